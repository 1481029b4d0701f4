/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing but this repository's files, and no system call that serving them
 * does not need.  What a kernel does not have is left out.
 */
#include "store/served_priv.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define CONFINE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CONFINE_ARCH AUDIT_ARCH_AARCH64
#endif

/* Renaming between folders is forbidden before version 2 of landlock. */
#define CONFINE_ABI_MIN 2
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define CONFINE_FILES (LANDLOCK_ACCESS_FS_READ_FILE | \
	LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER)
#define CONFINE_OTHER (LANDLOCK_ACCESS_FS_EXECUTE | \
	LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
	LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK)

uint32_t served_confine_files(int root)
{
	struct landlock_ruleset_attr set = { .handled_access_fs =
		CONFINE_FILES | CONFINE_OTHER };
	struct landlock_path_beneath_attr below = { .allowed_access =
		CONFINE_FILES, .parent_fd = root };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
	bool done;
	int fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    abi < CONFINE_ABI_MIN)
		return 0;
	if (abi >= 3) {
		set.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
		below.allowed_access |= LANDLOCK_ACCESS_FS_TRUNCATE;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof(set), 0);
	if (fd < 0)
		return 0;
	done = syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
		&below, 0) == 0 &&
		syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return done ? SERVE_LANDLOCK : 0;
}

/* A sanitizer makes system calls of its own. */
#if defined(CONFINE_ARCH) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
/* Reading, writing and naming files below folders that are open; memory,
 * threads' waiting, time, the end.  No socket, no program, no signal but to
 * itself. */
static const uint16_t confine_calls[] = {
	SYS_read, SYS_readv, SYS_pread64, SYS_write, SYS_writev, SYS_pwrite64,
	SYS_close, SYS_openat, SYS_fstat, SYS_newfstatat, SYS_lseek,
	SYS_fdatasync, SYS_fsync, SYS_ftruncate, SYS_mkdirat, SYS_linkat,
	SYS_renameat2, SYS_unlinkat, SYS_symlinkat, SYS_readlinkat,
	SYS_getdents64, SYS_fstatfs, SYS_flock, SYS_fcntl, SYS_dup3,
	SYS_sendto, SYS_ppoll, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect,
	SYS_madvise, SYS_brk, SYS_futex, SYS_set_robust_list, SYS_rseq,
	SYS_sched_yield, SYS_getrandom, SYS_clock_gettime,
	SYS_clock_nanosleep, SYS_nanosleep, SYS_getpid, SYS_gettid,
	SYS_tgkill, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
	SYS_sigaltstack, SYS_restart_syscall, SYS_exit, SYS_exit_group,
#ifdef SYS_renameat
	SYS_renameat,
#endif
#ifdef SYS_poll
	SYS_poll,
#endif
};
#define CONFINE_CALLS (sizeof(confine_calls) / sizeof(*confine_calls))

/* Of all threads at once.  A call that is not listed fails with EPERM. */
uint32_t served_confine_calls(void)
{
	struct sock_filter code[CONFINE_CALLS + 8];
	struct sock_fprog prog = { .filter = code };
	unsigned short n = 0;
	size_t i;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		CONFINE_ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, nr));
	for (i = 0; i < CONFINE_CALLS; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, confine_calls[i],
			(uint8_t)(CONFINE_CALLS - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		SECCOMP_RET_ERRNO | EPERM);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		SECCOMP_RET_ALLOW);
	prog.len = n;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_TSYNC, &prog) == 0 ? SERVE_SECCOMP : 0;
}
#else
uint32_t served_confine_calls(void)
{
	return 0;
}
#endif
