#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Each lint is content with a good sample and finds the fault of a bad one.
. "$TOP/tests/lib.sh"

licence='/* SPDX-License-Identifier: BSD-2-Clause */'

# put FILE: standard input below the licence line
put() {
	mkdir -p "$(dirname "$1")"
	{ echo "$licence"; cat; } >"$1"
}

good() {
	rm -rf r
	echo '#define A 1' | put r/core/base/a.h
	echo '#define C 1' | put r/core/core.h
	echo '#define S 1' | put r/core/store/store.h
	echo '#define W 1' | put r/core/archive/awrite_priv.h
	put r/core/base/a.c <<'E'
#include "base/a.h"

#include <stdio.h>

int a_get(void);

/* "quoted" and 'c' and system() are fine in a comment */
int a_get(void)
{
	return "exit(1)"[0];
}
E
	put r/core/archive/awrite_walk.c <<'E'
#include "archive/awrite_priv.h"

#include "base/a.h"
#include "store/store.h"

int awrite_go(void);
E
	put r/fs/node.c <<'E'
#include <fuse_lowlevel.h>

#include "core/core.h"
E
	put r/tools/cmd_x.c <<'E'
#include "core/core.h"
E
}

# finds CHECK FAULT: the sample in r has this fault and the check sees it
finds() {
	got=0
	"$TOP/scripts/$1" r >out 2>&1 || got=$?
	[ "$got" = 1 ] || { cat out; fail "status $got, expected 1: $1"; }
	has out "$2"
	[ "$(wc -l <out)" = 1 ] || [ "$1" = lint-shell ] || {
		cat out
		fail "more than this one fault"
	}
	good
}

good
for check in check-layers lint-code lint-docs lint-shell; do
	must "$TOP/scripts/$check" r
done

# layers
layer() {
	echo "$2" | put "r/$1"
	finds check-layers "$3"
}
layer core/base/b.c '#include "store/store.h"' 'core/base must not use core/st'
layer core/base/b.c '#include "../store/store.h"' 'core/base must not use'
layer core/base/b.c '# include "core/core.h"' 'core/base must not use core '
layer core/base/b.c '#include "base/none.h"' 'is not there'
layer core/base/b.c '#include <sodium.h>' '<sodium.h> is for core/codec'
layer core/codec/b.c '#include <fuse3/fuse.h>' '<fuse3/fuse.h> is for fs'
layer core/store/b.c '#include "archive/awrite_priv.h"' 'must not use'
layer core/archive/b.c '#include "archive/awrite_priv.h"' 'private to awrite'
layer fs/b.c '#include "base/a.h"' 'instead of "core/core.h"'
layer tools/b.c '#include "core/base/a.h"' 'instead of "core/core.h"'
layer core/other/b.c '' 'no layer has this folder'
mkdir -p r/core/codec
cp r/core/base/a.h r/core/codec/b.h
layer core/store/b.c '#include "codec/b.h"' 'core/store must not use core/codec'

# code
code() {
	put "r/$1"
	finds lint-code "$2"
}
for call in 'strcpy(a, b)' 'strcat(a, b)' 'sprintf(a, "b")' 'gets(a)' \
	'strtok(a, b)' 'atoi(a)' 'system(a)' 'popen(a, b)' 'alloca(1)' \
	'rand()' 'printf("a")' 'exit(1)' 'abort ()' 'assert(a)' 'malloc(1)'; do
	echo "int b = $call;" | code core/base/b.c "${call%%[ (]*}() "
done
echo 'int b = printf("a");' | code fs/b.c "printf() prints"
echo 'int b = malloc(1);' | code tools/b.c "malloc() allocates"
echo 'int b = atoi("1");' | code tests/unit/b.c "atoi() tells no error"
echo 'int b; ' | code core/base/b.c "white space at the end"
printf '\tint b;' | code core/base/b.c "line end"
printf '\t%073d\n' 0 | code core/base/b.c "more than 80 columns"
printf '/* TO%s */\n' DO | code core/base/b.c "unfinished"
printf '#include <stdio.h>\n#include "base/a.h"\n' | code core/base/a.c \
	"a.h comes first"
seq 600 | code core/base/b.c "601 lines"
body() {
	printf '%s\nint b(void)\n{\n' "$1"
	yes '	b();' | head -n "$2"
	echo '}'
}
body '' 61 | code core/base/b.c "a function of 61 lines"
body '/* long: */' 61 | code core/base/b.c "a function of 61 lines"
body '' 60 | put r/core/base/b.c
must "$TOP/scripts/lint-code" r
body '/* long: a table in disguise */' 61 | put r/core/base/b.c
must "$TOP/scripts/lint-code" r
good
echo 'int b;' >r/core/base/b.c
finds lint-code "no line 'SPDX"
mkdir r/scripts
printf '#!/usr/bin/env python3\n# %s\nif:\n' \
	'SPDX-License-Identifier: BSD-2-Clause' >r/scripts/p
finds lint-code "python: invalid syntax"

# documents
readme() {
	cat >r/core/README.md <<'E'
# The core
- `core/base/a.c` - gets a
- `core/archive/awrite_walk.c` - goes
fs/node.c — nodes
tools/cmd_x.c -- x
E
}
readme
must "$TOP/scripts/lint-docs" r
echo 'core/base/b.c - b' >>r/core/README.md
finds lint-docs "README.md:6: core/base/b.c does not exist"
readme
echo 'fs/node.c - again' >>r/core/README.md
finds lint-docs "fs/node.c for the second time"
readme
sed -i '/node/d' r/core/README.md
finds lint-docs "no line for fs/node.c"
readme
sed -i 's/-- x/--/' r/core/README.md
finds lint-docs "what does it do"
page() {
	mkdir -p r/man
	{ printf '.TH MUNIMENT 1 2000-01-01\n.SH NAME\nmuniment \\- x\n'
	cat; } >r/man/muniment.1
}
echo 'see muniment(1)' | page
must "$TOP/scripts/lint-docs" r
echo 'see muniment-format(5)' | page
finds lint-docs "there is no muniment-format(5)"
if command -v groff >/dev/null; then
	echo '.XQ' | page
	finds lint-docs "XQ"
fi

# shell
if command -v shellcheck >/dev/null; then
	mkdir r/scripts
	printf '#!/bin/sh\nrm $1\n' >r/scripts/s
	finds lint-shell "SC2086"
fi

# symbols, and the headers that "make lint" compiles
need cc nm
symbol() {
	rm -rf b
	for c in r/core/*/*.c; do
		o=b/obj/${c#r/}
		mkdir -p "$(dirname "$o")"
		cc -c -Ir/core -o "${o%.c}.o" "$c"
	done
	got=0
	rm -rf r/fs r/tools
	"$TOP/scripts/check-symbols" r b >out || got=$?
	cat out
	eq "$got" "$1" "status of check-symbols"
	[ -z "$2" ] || has out "$2"
	good
}
symbol 0 ""
echo 'int b_x; static int y; int b(void); int b(void) { return y; }' |
	put r/core/base/b.c
symbol 0 ""
echo 'int bx;' | put r/core/base/b.c
symbol 1 "core/base/b.c: exports 'bx', expected b_*"
echo 'int awrite_x, awrite_seal_y;' | put r/core/archive/awrite_seal.c
symbol 0 ""
echo 'int other_x;' | put r/core/archive/other_seal.c
symbol 1 "exports 'other_x'"
got=0
"$TOP/scripts/check-symbols" r nowhere >out || got=$?
eq "$got" 1 "status without objects"
has out "not built"

echo 'struct s { size_t n; };' | put r/core/base/a.h
rm -rf r/fs r/tools r/core/archive r/core/store
cp "$TOP/Makefile" r/
mkdir -p r/scripts
printf '#!/bin/sh\n' >r/scripts/lint
chmod +x r/scripts/lint
must_fail 2 make -s -C r BUILD=build lint
has "$ERR" "unknown type name"
echo '#include <stddef.h>
struct s { size_t n; };' | put r/core/base/a.h
must make -s -C r BUILD=build lint
