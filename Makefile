# SPDX-License-Identifier: BSD-2-Clause
#
#   make                    build/muniment
#   make check              every test (scripts/check installs what they need)
#   make lint               what a machine can judge about the code
#   make bench              side by side with borg and restic
#   make fuzz               every parser, FUZZ_SECONDS each
#   make install            DESTDIR, PREFIX
#   make SANITIZE=address,undefined ...   in a build folder of its own

PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
PKG_CONFIG ?= pkg-config
INSTALL ?= install
SANITIZE ?=
comma := ,
BUILD ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
VERSION := 0.1.0
# V=1 shows the commands.
Q := $(if $(V),,@)

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wundef \
	-Wswitch-enum -Wwrite-strings -Wnull-dereference
# Warnings are errors where the project is developed, not where it is used, nor
# under sanitizers, whose instrumentation makes gcc see things.
WERROR ?= $(if $(wildcard .git),$(if $(SANITIZE),,-Werror))
OPT ?= -O2 -g
HARD = -fstack-protector-strong -fstack-clash-protection -fPIE -fno-common \
	$(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) \
	$(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
LHARD = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
SAN = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
	-fno-sanitize-recover=all)

CORE_PKGS = libsodium libzstd libxxhash libpcre2-8 libssh libisal
TOOL_PKGS = fuse3 jansson libqrencode yaml-0.1
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(CORE_PKGS) $(TOOL_PKGS))
CORE_LIBS := $(shell $(PKG_CONFIG) --libs $(CORE_PKGS)) -pthread
TOOL_LIBS := $(shell $(PKG_CONFIG) --libs $(TOOL_PKGS))

CPPFLAGS += -Icore -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-DFUSE_USE_VERSION=314 -DMUNIMENT_VERSION='"$(VERSION)"'
CFLAGS_ALL = -std=gnu17 $(OPT) $(WARN) $(WERROR) $(HARD) $(SAN) $(PKG_CFLAGS) \
	-pthread $(CFLAGS)
LDFLAGS_ALL = $(LHARD) $(SAN) $(LDFLAGS)

CORE_SRC := $(sort $(wildcard core/*/*.c))
FS_SRC := $(sort $(wildcard fs/*.c))
TOOL_SRC := $(sort $(wildcard tools/*.c tools/*/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
TEST_TOOL_SRC := $(sort $(wildcard tests/tools/*.c))
TEST_LIB_SRC := $(sort $(wildcard tests/lib/*.c tests/model/*.c))
HDR := $(sort $(wildcard core/*.h core/*/*.h fs/*.h tools/*.h tools/*/*.h))

# The layers as archives, in link order; a unit test takes what it needs.
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
CORE_LIB = $(BUILD)/libcore.a
LIBS = $(if $(TEST_LIB_SRC),$(BUILD)/libtest.a) \
	$(if $(filter-out tools/main.c,$(TOOL_SRC)),$(BUILD)/libtools.a) \
	$(if $(FS_SRC),$(BUILD)/libfs.a) $(CORE_LIB)
PROGRAM = $(if $(wildcard tools/main.c),$(BUILD)/muniment)
PROG_OBJ = $(call obj,$(CORE_SRC) $(FS_SRC) $(TOOL_SRC))
UNIT_BIN = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
FUZZ_BIN = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
TEST_TOOL_BIN = $(patsubst tests/tools/%.c,$(BUILD)/tools/%,$(TEST_TOOL_SRC))

.PHONY: all check lint lint-objects bench fuzz fuzz-build install uninstall \
	clean unit tests-build tools-build FORCE
.SECONDARY:
.DELETE_ON_ERROR:

all: $(PROGRAM) $(CORE_LIB)

# A stamp changes when the flags or the list of files do, and only then.
stamp = @mkdir -p $(@D); printf '%s\n' "$$STAMP" | cmp -s - $@ || \
	printf '%s\n' "$$STAMP" >$@
$(BUILD)/flags: export STAMP = $(CC) $(CPPFLAGS) $(CFLAGS_ALL)
$(BUILD)/flags: FORCE
	$(stamp)
$(BUILD)/files: export STAMP = $(CORE_SRC) $(FS_SRC) $(TOOL_SRC) \
	$(TEST_LIB_SRC) $(LDFLAGS_ALL) $(TOOL_LIBS) $(CORE_LIBS)
$(BUILD)/files: FORCE
	$(stamp)

QUIET := $(V)$(findstring s,$(firstword -$(MAKEFLAGS)))
say = @mkdir -p $(@D); $(if $(QUIET),,echo "  $@")
link = $(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o %.a,$^)
$(BUILD)/muniment: $(call obj,tools/main.c) $(filter-out %/libtest.a,$(LIBS))
	$(say)
	$(link) $(TOOL_LIBS) $(CORE_LIBS)

$(BUILD)/libcore.a: $(call obj,$(CORE_SRC))
$(BUILD)/libfs.a: $(call obj,$(FS_SRC))
$(BUILD)/libtools.a: $(call obj,$(filter-out tools/main.c,$(TOOL_SRC)))
$(BUILD)/libtest.a: $(call obj,$(TEST_LIB_SRC))
$(BUILD)/lib%.a: $(BUILD)/files
	@rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(say)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBS)
	$(say)
	$(link) -lcmocka $(TOOL_LIBS) $(CORE_LIBS) -lm

$(BUILD)/tools/%: $(BUILD)/obj/tests/tools/%.o $(LIBS)
	$(say)
	$(link) $(TOOL_LIBS) $(CORE_LIBS) -lm

# With one rule of the collector's protocol left out.
MUTANTS = $(shell tests/mutant.py)
$(BUILD)/mutant/%/mutant.c: tests/mutant.py $(CORE_SRC)
	$(say)
	$(Q)tests/mutant.py $* $@
$(BUILD)/mutant/%/mutant.o: $(BUILD)/mutant/%/mutant.c $(BUILD)/flags
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -w -c -o $@ $<
$(BUILD)/mutant/%/test_collect: $(BUILD)/obj/tests/unit/test_collect.o \
		$(BUILD)/mutant/%/mutant.o $(LIBS)
	$(link) $(TOOL_LIBS) $(CORE_LIBS) -lm
$(BUILD)/mutant/%/test_orders: $(BUILD)/obj/tests/unit/test_orders.o \
		$(BUILD)/mutant/%/mutant.o $(LIBS)
	$(link) $(TOOL_LIBS) $(CORE_LIBS) -lm
$(BUILD)/mutant/%/program.o: tests/mutant.py $(CORE_SRC) $(BUILD)/flags
	$(say)
	$(Q)tests/mutant.py --program $* $(@D)/program
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -w -r -o $@ $(@D)/program/*.c
$(BUILD)/mutant/%/muniment: $(call obj,tools/main.c) \
		$(BUILD)/mutant/%/program.o $(filter-out %/libtest.a,$(LIBS))
	$(link) $(TOOL_LIBS) $(CORE_LIBS)
.PHONY: mutants mutant-programs
mutants: $(BUILD)/unit/test_collect $(BUILD)/unit/test_orders
	@$(MAKE) $(foreach m,$(MUTANTS),$(addprefix $(BUILD)/mutant/$m/,\
		test_collect test_orders))
mutant-programs: all
	@$(MAKE) $(patsubst %,$(BUILD)/mutant/%/muniment,slow no-w1 no-g4 \
		open-segment)

# Under libFuzzer its own main() is used, else tests/fuzz/main.c replays files.
FUZZ_MAIN = $(if $(findstring fuzzer,$(SANITIZE)),,\
	$(BUILD)/obj/tests/fuzz/main.o)
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(FUZZ_MAIN) $(LIBS)
	$(say)
	$(subst -fsanitize=fuzzer-no-link,-fsanitize=fuzzer,$(link)) \
		$(TOOL_LIBS) $(CORE_LIBS)

# servestore: a server that some of them start.
unit: $(UNIT_BIN) $(BUILD)/tools/servestore
tools-build: all $(TEST_TOOL_BIN)
fuzz-build: $(FUZZ_BIN)
tests-build: all unit mutants $(TEST_TOOL_BIN) $(FUZZ_BIN)

check: tests-build
	BUILD=$(BUILD) tests/run

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
fuzz:
	@BUILD=build-fuzz FUZZ_CC=$(FUZZ_CC) FUZZ_SECONDS=$(FUZZ_SECONDS) \
		MAKE='$(MAKE)' scripts/fuzz

# The long forms of tests that `make check` has a short form of.
.PHONY: faults rot collect model nonces orders powercut
collect: $(BUILD)/unit/test_collect tests-build mutants mutant-programs
	COLLECT_STEPS=$(or $(COLLECT_STEPS),10000000) $<
	BUILD=$(BUILD) COLLECT_SECS=$(or $(COLLECT_SECS),600) \
		COLLECT_MUTANT_SECS=$(or $(COLLECT_MUTANT_SECS),240) \
		tests/run cases/collect_processes.sh
	BUILD=$(BUILD) MUTANT_ALL=1 tests/run cases/mutants.sh
# Hours; ORDERS=NAME is one deployment of tests/unit/test_orders.c, five takes
# ten minutes.
orders: $(BUILD)/unit/test_orders
	ORDERS=$(or $(ORDERS),all) ORDERS_SAY=1000000 $<
nonces: $(BUILD)/unit/test_nonces
	NONCE_OBJECTS=$(or $(NONCE_OBJECTS),1000000) $<
model: $(BUILD)/unit/test_model
	MODEL_LONG=1 $<
powercut: $(BUILD)/unit/test_powercut
	POWERCUT_STATES=$(or $(POWERCUT_STATES),60) POWERCUT_NEXT=200 $<
faults: $(BUILD)/unit/test_faults $(BUILD)/unit/test_nomem
	FAULTS_STRIDE=$(or $(FAULTS_STRIDE),1) $<
	NOMEM_STRIDE=$(or $(NOMEM_STRIDE),1) $(BUILD)/unit/test_nomem
# A line that drops every 30 seconds while 90 MB go through it at 1 MiB/s.
.PHONY: drops
drops: tests-build
	BUILD=$(BUILD) DROPS_LIFE=30 DROPS_KIB=1024 DROPS_BYTES=90000000 \
		TIMEOUT_SCALE=10 tests/run cases/sftp_drops.sh
rot: $(BUILD)/unit/test_rot
	ROT_STRIDE=$(or $(ROT_STRIDE),1) $<
# A repository of 280 MB; three years: HOURLY=26280,1,2190
HOURLY ?= 9490,1,730
.PHONY: hourly
hourly: $(BUILD)/tools/hourly
	BUILD=$(BUILD) HOURLY=$(HOURLY) TMPDIR=/dev/shm \
		HOURLY_FILES=640 HOURLY_CHANGED=12 \
		tests/cases/retention_hourly.py

# A repository of 1,000 archives of 1,000,000 files; ten minutes of reading,
# mounting, pruning and compacting.
# In a mount namespace of their own: who walks /tmp keeps nothing busy.
OWN_MOUNTS = $(if $(filter 0,$(shell id -u)),\
	unshare --mount --propagation private)
.PHONY: mount-huge soak
mount-huge: tests-build
	@rm -f $(BUILD)/mount-huge
	BUILD=$(BUILD) HUGE_ARCHIVES=1000 HUGE_FILES=1000000 HUGE_STRICT=1 \
		HUGE_REPORT=$(abspath $(BUILD))/mount-huge TIMEOUT_SCALE=10 \
		$(OWN_MOUNTS) tests/run cases/mount_huge.sh; \
		rc=$$?; cat $(BUILD)/mount-huge; exit $$rc
# A database as mailcow has it, with 200 MB.
.PHONY: db-large
db-large: all
	@rm -f $(BUILD)/db-large
	BUILD=$(BUILD) DB_MB=$(or $(DB_MB),200) TIMEOUT_SCALE=10 \
		DB_REPORT=$(abspath $(BUILD))/db-large \
		tests/run cases/db_mailcow.sh; \
		rc=$$?; cat $(BUILD)/db-large; exit $$rc
# 32 readers, and more, of a mount that looks for races.
.PHONY: mount-tsan
mount-tsan:
	$(MAKE) SANITIZE=thread tools-build
	BUILD=build-thread LOAD_TSAN=1 TIMEOUT_SCALE=8 tests/run \
		cases/mount_load.sh cases/mount_live.sh cases/mount_pins.sh \
		cases/mount_collect.sh cases/mount_ahead.sh \
		cases/mount_versions.sh cases/mount_away.sh
soak: tests-build
	BUILD=$(BUILD) SOAK_SECONDS=$(or $(SOAK_SECONDS),600) TIMEOUT_SCALE=20 \
		$(OWN_MOUNTS) tests/run cases/mount_soak.sh

# GROUP=..., BENCH_MAILS=..., and more: scripts/bench --help; GROUP=sftp is
# scripts/bench-sftp.
bench: all $(addprefix $(BUILD)/tools/,badline measure mkmail)
	@BUILD=$(BUILD) scripts/bench$(if $(filter sftp,$(GROUP)),-sftp)

# Each header alone, and everything that scripts/lint looks at.
$(BUILD)/hdr/%.h.ok: %.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)printf '#include "%s"\n' $< | $(CC) $(CPPFLAGS) $(CFLAGS_ALL) \
		-MMD -MP -MT $@ -MF $(@:.ok=.d) -fsyntax-only -x c -
	@touch $@
lint-objects: $(patsubst %.h,$(BUILD)/hdr/%.h.ok,$(HDR)) $(PROG_OBJ)
# All cores, if nobody has said how many.  Where nothing is built yet objects
# are made for their symbols only, which takes a third of the time.
lint: export BUILD := $(if $(wildcard $(PROGRAM)),$(BUILD),$(BUILD)/lint)
lint: PLAIN := $(if $(wildcard $(PROGRAM)),,OPT=-O0 HARD=-fPIE)
lint:
	@$(MAKE) $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc)) \
		--no-print-directory BUILD=$(BUILD) $(PLAIN) lint-objects
	@scripts/lint

D = $(DESTDIR)$(PREFIX)
MAN = $(wildcard man/*.$(1))
COMPLETION = \
	bash:bash-completion/completions/muniment \
	zsh:zsh/site-functions/_muniment \
	fish:fish/vendor_completions.d/muniment.fish
UNITS = muniment.service muniment.timer
install: all
	$(INSTALL) -d $(D)/bin $(D)/sbin
	$(INSTALL) -m 755 $(BUILD)/muniment $(D)/bin/muniment
	ln -sfn ../bin/muniment $(D)/sbin/mount.muniment
	ln -sfn ../bin/muniment $(D)/sbin/mount.fuse.muniment
	$(foreach n,1 5 8,$(if $(call MAN,$(n)),$(INSTALL) -d \
		$(D)/share/man/man$(n) && $(INSTALL) -m 644 \
		$(call MAN,$(n)) $(D)/share/man/man$(n) &&)) :
	@for c in $(COMPLETION); do \
		to=$(D)/share/$${c#*:}; \
		$(INSTALL) -d $${to%/*} && \
		$(BUILD)/muniment completion $${c%%:*} >$$to && \
		chmod 644 $$to || exit 1; \
	done
	$(INSTALL) -d $(D)/lib/systemd/system $(D)/share/doc/muniment
	$(INSTALL) -m 644 scripts/muniment.cron $(D)/share/doc/muniment
	@for unit in $(UNITS); do \
		sed 's|@BIN@|$(PREFIX)/bin|' scripts/$$unit \
			>$(D)/lib/systemd/system/$$unit && \
		chmod 644 $(D)/lib/systemd/system/$$unit || exit 1; \
	done
uninstall:
	rm -f $(D)/bin/muniment $(D)/sbin/mount.muniment \
		$(D)/sbin/mount.fuse.muniment
	rm -f $(foreach n,1 5 8,$(patsubst man/%,$(D)/share/man/man$(n)/%,\
		$(call MAN,$(n))))
	rm -f $(foreach c,$(COMPLETION),$(D)/share/$(lastword \
		$(subst :, ,$(c))))
	rm -f $(D)/share/doc/muniment/muniment.cron \
		$(addprefix $(D)/lib/systemd/system/,$(UNITS))

clean:
	rm -rf build build-*

-include $(shell find $(BUILD)/obj $(BUILD)/hdr -name '*.d' 2>/dev/null)
