/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line between clients and a server on the loopback, as bad as one likes.
 *
 * badline PORT-FILE TARGET-PORT [--delay MS] [--cut BYTES] [--step BYTES]
 *         [--cuts N] [--port N] [--rate KIB] [--life SECS] [--log FILE]
 *
 * Its own port is written to PORT-FILE.  Each direction takes half of MS.  A
 * connection is cut when BYTES have gone through it in both directions, the
 * next one when STEP more have, and so on; after N cuts the line is good.
 * KIB a second go through the line in each direction.  With --life every
 * connection is cut SECS after the login.  FILE gets a line for each cut.
 *
 * What is on its way waits in a pipe and is not copied, so that a fast line
 * leaves the processors to those whom it joins.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOGIN_BYTES 16384	/* are moved before the server is of use */
#define PIECE_BYTES 65536
#define PIECES 16384		/* on their way in one direction */
#define PIPE_BYTES (16 << 20)	/* 25 ms at a gigabit, and many small ones */
#define ENTRANCE_SECS 0.1	/* no more than that waits for the rate */
#define MOST_LINES 64

struct piece {
	double due;
	size_t len;
};

/* One direction. */
struct flow {
	int from, to, pipe[2];
	struct piece *ring;
	size_t first, n;
	double *free;
	bool full, eof, shut, blocked;
};

struct line {
	struct flow flow[2];
	uint64_t moved, limit;
	double ends;			/* 0: has no end */
	bool used;
};

static struct {
	double delay, rate, life;
	uint64_t cut, step, cuts, done;
	const char *log;
	uint16_t target;
} opt;
static struct line lines[MOST_LINES];
/* When each direction has sent what all connections have given it. */
static double line_free[2];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now_secs(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void line_close(struct line *l)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		close(l->flow[i].from);
		close(l->flow[i].pipe[0]);
		close(l->flow[i].pipe[1]);
		free(l->flow[i].ring);
	}
	l->used = false;
}

/* Both sides get a reset. */
static void line_break(struct line *l)
{
	const struct linger hard = { .l_onoff = 1 };
	unsigned i;

	for (i = 0; i < 2; i++)
		setsockopt(l->flow[i].from, SOL_SOCKET, SO_LINGER, &hard,
			sizeof(hard));
	line_close(l);
}

static void line_cut(struct line *l)
{
	FILE *f;

	opt.done++;
	if (opt.log && (f = fopen(opt.log, "a"))) {
		fprintf(f, "cut after %" PRIu64 " bytes\n", l->moved);
		fclose(f);
	}
	line_break(l);
}

static void flow_open(struct flow *f, int from, int to, double *free)
{
	*f = (struct flow){ .from = from, .to = to, .free = free };
	f->ring = calloc(PIECES, sizeof(*f->ring));
	if (!f->ring || pipe2(f->pipe, O_NONBLOCK | O_CLOEXEC) < 0)
		die("pipe");
	/* Who is not root has less of it. */
	if (fcntl(f->pipe[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		fcntl(f->pipe[1], F_SETPIPE_SZ, 1 << 20);
}

static void line_open(int client)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(opt.target),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int up = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct line *l = lines;

	while (l < lines + MOST_LINES && l->used)
		l++;
	if (l == lines + MOST_LINES || up < 0 ||
	    connect(up, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(up);
		close(client);
		return;
	}
	setsockopt(up, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(up, F_SETFL, O_NONBLOCK);
	memset(l, 0, sizeof(*l));
	if (opt.cut && (!opt.cuts || opt.done < opt.cuts))
		l->limit = opt.cut + opt.done * opt.step;
	flow_open(&l->flow[0], client, up, &line_free[0]);
	flow_open(&l->flow[1], up, client, &line_free[1]);
	l->used = true;
}

static bool flow_waits_for_rate(const struct flow *f, double now)
{
	return opt.rate > 0 && *f->free - now > ENTRANCE_SECS;
}

static bool flow_wants(const struct flow *f, double now)
{
	return !f->eof && !f->full && f->n < PIECES &&
		!flow_waits_for_rate(f, now);
}

/* false: the connection is gone. */
static bool flow_take(struct flow *f, double now, uint64_t *moved)
{
	ssize_t n = splice(f->from, NULL, f->pipe[1], NULL, PIECE_BYTES,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n < 0 && errno == EAGAIN) {
		f->full = f->n > 0;	/* else it was woken up for nothing */
		return true;
	}
	if (n < 0)
		return false;
	f->eof = n == 0;
	if (*f->free < now)
		*f->free = now;
	if (opt.rate > 0)
		*f->free += (double)n / opt.rate;
	f->ring[(f->first + f->n++) % PIECES] = (struct piece){
		(opt.rate > 0 ? *f->free : now) + opt.delay / 2, (size_t)n };
	*moved += (uint64_t)n;
	return true;
}

static bool flow_give(struct flow *f, double now)
{
	struct piece *p;
	ssize_t n;

	while (f->n > 0 && (p = &f->ring[f->first])->due <= now) {
		if (p->len == 0) {
			f->shut = true;
			shutdown(f->to, SHUT_WR);
		} else {
			n = splice(f->pipe[0], NULL, f->to, NULL, p->len,
				SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
			f->blocked = n < 0 && errno == EAGAIN;
			if (f->blocked)
				return true;
			if (n <= 0)
				return false;
			f->full = false;
			p->len -= (size_t)n;
			if (p->len > 0)
				continue;
		}
		f->first = (f->first + 1) % PIECES;
		f->n--;
	}
	return true;
}

/* What both directions of a line have to do now. */
static void line_turn(struct line *l, const struct pollfd *p, double now)
{
	uint64_t was = l->moved;
	unsigned i;

	for (i = 0; i < 2; i++) {
		struct flow *f = &l->flow[i];

		if ((p[i].revents & (POLLIN | POLLHUP | POLLERR)) &&
		    flow_wants(f, now) && !flow_take(f, now, &l->moved)) {
			line_break(l);
			return;
		}
		if (!flow_give(f, now)) {
			line_break(l);
			return;
		}
	}
	if (opt.life > 0 && was <= LOGIN_BYTES && l->moved > LOGIN_BYTES)
		l->ends = now + opt.life;
	if ((l->limit && l->moved >= l->limit) || (l->ends && now >= l->ends))
		line_cut(l);
	else if (l->flow[0].shut && l->flow[1].shut)
		line_close(l);
}

/* flow[0] is from the client, which is what flow[1] goes to. */
static double line_ask(const struct line *l, struct pollfd *p, double now)
{
	double at = l->ends ? l->ends : INFINITY;
	unsigned i;

	for (i = 0; i < 2; i++) {
		const struct flow *f = &l->flow[i], *back = &l->flow[!i];

		p[i].fd = f->from;
		p[i].events = (short)((flow_wants(f, now) ? POLLIN : 0) |
			(back->blocked ? POLLOUT : 0));
		if (p[i].events == 0)
			p[i].fd = -1;	/* its POLLHUP can wait */
		if (f->n > 0 && !f->blocked && f->ring[f->first].due < at)
			at = f->ring[f->first].due;
		if (flow_waits_for_rate(f, now) &&
		    *f->free - ENTRANCE_SECS < at)
			at = *f->free - ENTRANCE_SECS;
	}
	return at;
}

static void serve(int port)
{
	struct pollfd p[1 + 2 * MOST_LINES];
	struct timespec wait;
	double now, at, due;
	unsigned i;
	int client;

	for (;;) {
		now = now_secs();
		at = INFINITY;
		p[0] = (struct pollfd){ .fd = port, .events = POLLIN };
		for (i = 0; i < MOST_LINES; i++) {
			p[1 + 2 * i].fd = p[2 + 2 * i].fd = -1;
			if (!lines[i].used)
				continue;
			due = line_ask(&lines[i], &p[1 + 2 * i], now);
			at = due < at ? due : at;
		}
		at = at < now ? 0 : at - now;
		if (at < 3600) {
			wait.tv_sec = (time_t)at;
			wait.tv_nsec = (long)((at - (double)wait.tv_sec) * 1e9);
		}
		if (ppoll(p, 1 + 2 * MOST_LINES, at < 3600 ? &wait : NULL,
			NULL) < 0 && errno != EINTR)
			die("poll");
		now = now_secs();
		for (i = 0; i < MOST_LINES; i++)
			if (lines[i].used)
				line_turn(&lines[i], &p[1 + 2 * i], now);
		client = p[0].revents ? accept4(port, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
		if (client >= 0)
			line_open(client);
	}
}

static int listen_on(uint16_t port, const char *port_file)
{
	struct sockaddr_in me = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	int small = 128 << 10;
	socklen_t len = sizeof(me);
	char name[4096];
	FILE *f;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (opt.life > 0)	/* what is buffered is lost with each */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0 ||
	    listen(fd, 100) < 0 ||
	    getsockname(fd, (struct sockaddr *)&me, &len) < 0)
		die("listen");
	snprintf(name, sizeof(name), "%s.new", port_file);
	f = fopen(name, "w");
	if (!f || fprintf(f, "%u", ntohs(me.sin_port)) < 0 || fclose(f) != 0 ||
	    rename(name, port_file) < 0)
		die(port_file);
	return fd;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ "cut", required_argument, NULL, 'c' },
		{ "step", required_argument, NULL, 's' },
		{ "cuts", required_argument, NULL, 'n' },
		{ "port", required_argument, NULL, 'p' },
		{ "rate", required_argument, NULL, 'r' },
		{ "life", required_argument, NULL, 'l' },
		{ "log", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 }
	};
	uint16_t port = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		uint64_t n = c == '?' ? 0 : strtoull(optarg, NULL, 10);
		double x = c == '?' ? 0 : strtod(optarg, NULL);

		switch (c) {
		case 'd': opt.delay = x / 1000; break;
		case 'c': opt.cut = n; break;
		case 's': opt.step = n; break;
		case 'n': opt.cuts = n; break;
		case 'p': port = (uint16_t)n; break;
		case 'r': opt.rate = x * 1024; break;
		case 'l': opt.life = x; break;
		case 'f': opt.log = optarg; break;
		default: return 2;
		}
	}
	if (optind + 2 != argc)
		return 2;
	opt.target = (uint16_t)strtoul(argv[optind + 1], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	serve(listen_on(port, argv[optind]));
}
