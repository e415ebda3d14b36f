#!/bin/sh
# Runs a program as a container engine would: in a root directory of its own that is read-only but for /tmp and
# /app/state, as a user who is nobody on this machine.
#   unshare --mount read_only_root.sh NEW_ROOT STATE PATH... -- COMMAND [ARGUMENT...]
# Each PATH is there under the same name, whatever the permissions of the directories above it.
set -eu

root=$1
state=$2
shift 2

show() {
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    mount -o remount,bind,ro "$root$1"
}

mount -t tmpfs -o mode=0755 tmpfs "$root"
mkdir "$root/tmp"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
for name in bin lib lib64 sbin; do
    if [ -L "/$name" ]; then
        ln -s "$(readlink "/$name")" "$root/$name"
    elif [ -d "/$name" ]; then
        show "/$name"
    fi
done
show /usr
show /etc
while [ "$1" != -- ]; do
    show "$1"
    shift
done
shift
mkdir -p "$root/app/state" "$root/dev" "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
mount --bind "$state" "$root/app/state"
mount -o remount,ro "$root"
exec /usr/sbin/chroot "$root" setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --inh-caps=-all \
    env --chdir=/app "$@"
