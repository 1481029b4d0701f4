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
CC ?= cc
PKG_CONFIG ?= pkg-config
SANITIZE ?=
comma := ,
BUILD ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
VERSION := 0.1.0
# V=1 shows the commands.
Q := $(if $(V),,@)

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wundef \
	-Wswitch-enum -Wwrite-strings -Wnull-dereference
# Warnings are errors where the project is developed, not where it is used.
WERROR ?= $(if $(wildcard .git),-Werror)
OPT ?= -O2 -g
HARD = -fstack-protector-strong -fstack-clash-protection -fPIE -fno-common \
	$(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) \
	$(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
LHARD = -pie -Wl,-z,relro,-z,now,-z,noexecstack
SAN = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
	-fno-sanitize-recover=all)

CORE_PKGS = libsodium libzstd libxxhash libpcre2-8
TOOL_PKGS = fuse3 jansson
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(CORE_PKGS) $(TOOL_PKGS))
CORE_LIBS := $(shell $(PKG_CONFIG) --libs $(CORE_PKGS)) -pthread
TOOL_LIBS := $(shell $(PKG_CONFIG) --libs $(TOOL_PKGS))

CPPFLAGS += -Icore -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-DFUSE_USE_VERSION=314 -DMUNIMENT_VERSION='"$(VERSION)"'
CFLAGS_ALL = -std=gnu17 $(OPT) $(WARN) $(WERROR) $(HARD) $(SAN) $(PKG_CFLAGS) \
	-pthread -MMD -MP $(CFLAGS)
LDFLAGS_ALL = $(LHARD) $(SAN) $(LDFLAGS)

CORE_SRC := $(sort $(wildcard core/*/*.c))
FS_SRC := $(sort $(wildcard fs/*.c))
TOOL_SRC := $(sort $(wildcard tools/*.c tools/*/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
TEST_TOOL_SRC := $(sort $(wildcard tests/tools/*.c))
TEST_LIB_SRC := $(sort $(wildcard tests/lib/*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
CORE_LIB = $(BUILD)/libcore.a
TEST_LIB = $(if $(TEST_LIB_SRC),$(BUILD)/libtest.a)
UNIT_BIN = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
FUZZ_BIN = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
TEST_TOOL_BIN = $(patsubst tests/tools/%.c,$(BUILD)/tools/%,$(TEST_TOOL_SRC))

.PHONY: all check lint bench fuzz install uninstall clean unit tests-build
.SECONDARY:

all: $(BUILD)/muniment

$(BUILD)/muniment: $(call obj,$(TOOL_SRC) $(FS_SRC)) $(CORE_LIB)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(TOOL_LIBS) $(CORE_LIBS)

$(CORE_LIB): $(call obj,$(CORE_SRC))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libtest.a: $(call obj,$(TEST_LIB_SRC))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(dir $@); $(if $(V),,echo "  $@")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(TEST_LIB) $(CORE_LIB)
	@mkdir -p $(dir $@); $(if $(V),,echo "  $@")
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(CORE_LIBS)

$(BUILD)/tools/%: $(BUILD)/obj/tests/tools/%.o $(TEST_LIB) $(CORE_LIB)
	@mkdir -p $(dir $@); $(if $(V),,echo "  $@")
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(CORE_LIBS) -lm

unit: $(UNIT_BIN)
tests-build: all unit $(TEST_TOOL_BIN)

clean:
	rm -rf build build-*

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
