#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Install what `make` built. Called by `make install`; makes no user, starts
# nothing, overwrites no configuration.
#
# usage: install.sh DESTDIR PREFIX BUILD
set -eu

[ $# -eq 3 ] || { echo "usage: install.sh DESTDIR PREFIX BUILD" >&2; exit 2; }

here=$(cd "$(dirname "$0")" && pwd)
dest=$1
prefix=$2
build=$3

case $prefix in
/*) ;;
*) echo "install.sh: PREFIX \"$prefix\", expected an absolute path" >&2; exit 2 ;;
esac
for file in "$build/postern" "$build/posternd"; do
	[ -f "$file" ] || { echo "install.sh: $file is not there; run make first" >&2; exit 1; }
done

# With a prefix of the distribution the settings are where it keeps them.
if [ "$prefix" = /usr ]; then
	units=/usr/lib/systemd/system
	sysusers=/usr/lib/sysusers.d
else
	units=/etc/systemd/system
	sysusers=/etc/sysusers.d
fi

put()		# MODE FILE DIRECTORY [NAME]
{
	install -d "$dest$3"
	install -m "$1" "$2" "$dest$3/${4:-$(basename "$2")}"
}

# The unit names the binaries by their full path.
put_unit()
{
	install -d "$dest$units"
	sed "s|@SBIN@|$prefix/sbin|g" "$here/$1" >"$dest$units/$1"
	chmod 644 "$dest$units/$1"
}

# Manual pages, where docutils are there to make them; else their sources.
put_pages()
{
	tool=$(command -v rst2man || command -v rst2man.py || true)
	for source in "$here"/../doc/*.[58].rst; do
		page=$(basename "$source" .rst)
		if [ -z "$tool" ]; then
			put 644 "$source" "$prefix/share/doc/postern"
			continue
		fi
		install -d "$dest$prefix/share/man/man${page##*.}"
		"$tool" "$source" "$dest$prefix/share/man/man${page##*.}/$page"
	done
}

put 755 "$build/postern" "$prefix/sbin"
put 755 "$build/posternd" "$prefix/sbin"
for object in screen steer back lookup; do
	put 644 "$build/$object.bpf.o" "$prefix/lib/postern"
done
put_unit postern.service
put_unit posternd.service
put 644 "$here/postern.sysusers" "$sysusers" postern.conf
put 755 "$here/users.sh" "$prefix/share/postern"
put 644 "$here/postern.conf" "$prefix/share/doc/postern"
put_pages
if [ ! -e "$dest/etc/postern/postern.conf" ]; then
	put 640 "$here/postern.conf" /etc/postern
fi
