#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the tests of a directory, or those that are named, one after the other; what follows -- is
# for each of them.
# One KTAP stream; ends with 0, with 1 when a test failed, with 4 when all were skipped.

set -u

if [ $# -eq 0 ]; then
	echo "usage: $0 DIRECTORY [TEST...] [-- ARGUMENT...]" >&2
	exit 2
fi
dir=$1
shift
here=$(dirname "$(readlink -f "$0")")
names=()
while [ $# -gt 0 ]; do
	word=$1
	shift
	[ "$word" = -- ] && break
	names+=("$word")
done
arguments=("$@")
set -- "${names[@]}"

if [ "$(id -u)" != 0 ]; then
	printf 'TAP version 13\n1..0 # SKIP needs root\n'
	exit 4
fi

# What is mounted already makes mount fail: no harm.
mount_missing()
{
	mountpoint -q "$2" || mount -t "$1" "$1" "$2" 2>/dev/null
}

mount_missing debugfs /sys/kernel/debug
mount_missing tracefs /sys/kernel/tracing
mount_missing cgroup2 /sys/fs/cgroup
for module in zram loop; do
	modprobe -q "$module" 2>/dev/null
done

if [ $# -eq 0 ]; then
	for source in "$here"/*_test.c "$dir"/*_test; do
		[ -e "$source" ] && set -- "$@" "$(basename "$source" .c)"
	done
	# Each once; whichever of the two is missing.
	mapfile -t names < <(printf '%s\n' "$@" | sort -u)
	set -- "${names[@]}"
fi

knobs=(/sys/kernel/mm/free_user_pte/enabled /sys/kernel/mm/free_user_pte/delay_ms
	/sys/kernel/debug/free_user_pte/{force_free,fail_trylock,delay_us})
declare -A found
for knob in "${knobs[@]}"; do
	[ -e "$knob" ] && found[$knob]=$(cat "$knob")
done

# A test that was killed could not put them back.
restore_knobs()
{
	local knob

	for knob in "${!found[@]}"; do
		[ "$(cat "$knob")" = "${found[$knob]}" ] || echo "${found[$knob]}" >"$knob"
	done
}

output=$(mktemp)
trap 'rm -f "$output"' EXIT

printf 'TAP version 13\n1..%d\n' $#
number=0
failed=0
skipped=0
for name; do
	number=$((number + 1))
	echo "    # Subtest: $name"
	# Who reads what the kernel says sees during which test.
	[ -w /dev/kmsg ] && echo "kselftest: $name" >/dev/kmsg
	start=$(date +%s%N)
	# Tables are counted: which parts of a program share one is not to be random.
	setarch --addr-no-randomize "$dir/$name" "${arguments[@]}" 2>&1 </dev/null | tee "$output" | sed 's/^/    /'
	status=${PIPESTATUS[0]}
	restore_knobs
	echo "# $name took $((($(date +%s%N) - start) / 1000000)) ms"

	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$output" | head -n 1)
	results=$(grep -cE '^(not )?ok ' "$output")
	skips=$(grep -cE '^ok .*# SKIP' "$output")
	if [ "$status" -ge 128 ]; then
		failed=$((failed + 1))
		echo "not ok $number $name # killed by signal $((status - 128))"
	elif [ "$status" -eq 4 ] && [ "$results" -eq 0 ]; then
		# It found out before its first test that it can do nothing here.
		skipped=$((skipped + 1))
		echo "ok $number $name # SKIP $(sed -n 's/^1\.\.0 # SKIP *//p' "$output" | head -n 1)"
	elif [ "$status" -ne 0 ]; then
		failed=$((failed + 1))
		echo "not ok $number $name # exit=$status"
	elif [ "$results" -eq 0 ] || [ "$results" -ne "${plan:-0}" ]; then
		failed=$((failed + 1))
		echo "not ok $number $name # planned ${plan:-no} tests, ran $results"
	elif [ "$skips" -eq "$results" ]; then
		skipped=$((skipped + 1))
		echo "ok $number $name # SKIP"
	else
		echo "ok $number $name"
	fi
done

[ $failed -eq 0 ] || exit 1
[ $skipped -eq $# ] && exit 4
exit 0
