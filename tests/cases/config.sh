#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# config generate, validate, show and bootstrap; where configurations are
# looked for; borgmatic's own sample.
. "$TOP/tests/lib.sh"

export HOME="$PWD" XDG_CONFIG_HOME="$PWD/conf"
export MUNIMENT_PASSPHRASE=secret

# lines WANT TEXT: so many lines of stderr have this text
lines() {
	eq "$(grep -cF -- "$2" "$ERR" || :)" "$1" "lines with '$2'"
}

# generate: for mailcow, and never over what is there
must muniment config generate --destination etc/c.yaml
eq "$(stat -c %a etc/c.yaml)" 600
cp -p etc/c.yaml before
must_fail 2 muniment config generate -d etc/c.yaml
has "$ERR" "is there already"
must_fail 3 muniment config generate -d etc
cmp etc/c.yaml before
must muniment config generate -d etc/c.yaml --overwrite
must muniment config generate -d -
cmp etc/c.yaml "$OUT"
must muniment --dry-run config generate -d dry.yaml
[ ! -e dry.yaml ] || fail "a dry run wrote a file"
must_fail 3 muniment -c etc/c.yaml config validate
has "$ERR" "'DBPASS'"
export DBPASS=0815
must muniment -c etc/c.yaml config validate
eq "$(wc -c <"$ERR")" 0 "bytes on stderr"
# the one edit
sed -i 's|path: ssh://.*|path: /backup|' etc/c.yaml
must muniment -c etc/c.yaml config validate
# all that is a comment is right, too
sed '1,/^# ---/d; s/^#\([a-z_0-9]*:\)/\1/; s/^#\(    \)/\1/' \
	etc/c.yaml >all.yaml
sed -i '/^debug_passphrase\|^display_passphrase/d' all.yaml
chmod 600 all.yaml
[ "$(grep -c '^[a-z_0-9]*:' all.yaml)" -gt 75 ] || fail "too few keys"
must muniment -c all.yaml config validate
lines 0 "is no key"

# show: what it means; a secret only if it is asked for
must muniment -c etc/c.yaml config show
cp "$OUT" shown.yaml
has_not shown.yaml 0815
has shown.yaml "password: (not shown)"
has shown.yaml "    - path: /backup"
must muniment -c shown.yaml config show
cmp shown.yaml "$OUT"
must muniment -c etc/c.yaml config show --option keep_daily
eq "$(cat "$OUT")" 7
must muniment -c etc/c.yaml config show \
	--option 'mariadb_databases[0].password'
eq "$(cat "$OUT")" 0815
must muniment -c etc/c.yaml config show --json --option repositories
eq "$(tr -d ' \n' <"$OUT")" '[[{"label":"offsite","path":"/backup"}]]'
must muniment -c etc/c.yaml config show --json --option keep_yearly
eq "$(tr -d ' \n' <"$OUT")" '[null]'
must_fail 3 muniment -c etc/c.yaml config show --option keep_dayly
has "$ERR" "did you mean 'keep_daily'?"
must muniment -c etc/c.yaml config validate --show
has "$OUT" "# etc/c.yaml"

# values of another configuration, in old forms
cat >old.yaml <<'EOF'
location:
    source_directories: [/a]
    repositories: [user@host:r]
hooks:
    before_backup:
        - echo "${X}"
EOF
must muniment config generate -s old.yaml -d new.yaml
lines 2 "the section"
has new.yaml '    - path: ssh://user@host/./r'
has new.yaml '${X}'
X=x must muniment -c new.yaml config validate
eq "$(wc -c <"$ERR")" 0 "bytes on stderr"

# where it is looked for: borgmatic's only if there is none of ours
if [ ! -e /etc/borgmatic ] && [ ! -e /etc/muniment ] &&
   [ ! -e /etc/borgmatic.d ] && [ ! -e /etc/muniment.d ]; then
	must_fail 3 muniment config validate
	has "$ERR" "no configuration was found"
	mkdir -p conf/borgmatic.d conf/borgmatic
	for f in b a; do
		echo 'repositories: [{path: r}]' >conf/borgmatic.d/$f.yaml
	done
	echo x >conf/borgmatic.d/crontab.txt
	cp conf/borgmatic.d/a.yaml conf/borgmatic.d/c.yml
	cp conf/borgmatic.d/a.yaml conf/borgmatic/config.yaml
	must muniment config validate
	eq "$(sed "s|^$PWD/conf/||" "$OUT" | tr '\n' ' ')" \
		"borgmatic/config.yaml: valid borgmatic.d/a.yaml: valid \
borgmatic.d/b.yaml: valid borgmatic.d/c.yml: valid "
	mkdir -p conf/muniment
	cp conf/borgmatic.d/a.yaml conf/muniment/config.yaml
	must muniment config validate
	eq "$(cat "$OUT")" "$PWD/conf/muniment/config.yaml: valid"
	rm -r conf
fi

# several files: all are judged, the worst counts
mkdir d
echo 'repositories: [{path: r}]' >d/b.yaml
echo 'repositories: x' >d/a.yaml
echo 'repositories: y' >d/c.yaml
must_fail 3 muniment -c d config validate
eq "$(cat "$OUT")" "d/b.yaml: valid"
lines 2 "a list is wanted"

# what borgmatic itself writes, and all of its schema's examples
if command -v generate-borgmatic-config >/dev/null; then
	generate-borgmatic-config -d bm.yaml >/dev/null
	chmod 600 bm.yaml
	must muniment -c bm.yaml config validate
	lines 2 "the section"
	/usr/bin/python3 "$TOP/tests/lib/config_schema.py" >schema.yaml
	chmod 600 schema.yaml
	must muniment -c schema.yaml config validate
	must muniment config generate -s schema.yaml -d schema2.yaml
	must muniment -c schema2.yaml config show
fi

# the names of old
ln -s "$(command -v muniment)" generate-borgmatic-config
ln -s "$(command -v muniment)" validate-borgmatic-config
must ./generate-borgmatic-config --destination named.yaml
must ./validate-borgmatic-config --config named.yaml
eq "$(cat "$OUT")" "named.yaml: valid"

# bootstrap: what an archive has, without a configuration
mkdir -p s/borgmatic/bootstrap "s$PWD/etc"
cp etc/c.yaml "s$PWD/etc/c.yaml"
printf '{"borgmatic_version": "2.0.0", "config_paths": ["%s"]}' \
	"$PWD/etc/c.yaml" >s/borgmatic/bootstrap/manifest.json
must muniment init r
cd s
must muniment create ../r::none "$(echo "${PWD#/}" | cut -d/ -f1)"
must muniment create ../r::one ./*
cd ..
must_fail 3 muniment config bootstrap
has "$ERR" "needs a --repository"
mkdir back
must muniment --repository r --dry-run config bootstrap --destination back
eq "$(ls back)" "" "what a dry run wrote"
must muniment --repository r config bootstrap --archive one \
	--destination back
cmp etc/c.yaml "back$PWD/etc/c.yaml"
must_fail 2 muniment --repository r config bootstrap --archive none \
	--destination back
has "$ERR" "has no list of configuration files"
rm -r back
mkdir back
must muniment --repository r config bootstrap --destination back \
	--strip-components all
cmp etc/c.yaml back/c.yaml
