/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option lists: what becomes a flag, what is data, where a word ends. */
#include <stdlib.h>
#include <sys/mount.h>
#include "test/unit/tools_tap.h"
#include "tools/mountopt.c"

static const struct {
	const char *list;
	bool own_move;
	unsigned long flags;
	const char *data;
} add_case[] = {
	{ "", false, 0, "" },
	{ "ro", false, MS_RDONLY, "" },
	{ "ro,rw", false, 0, "" },
	{ "rw,ro", false, MS_RDONLY, "" },
	{ "rw+", false, 0, "rw+" },
	{ "nosuid,nodev,noexec", false, MS_NOSUID | MS_NODEV | MS_NOEXEC, "" },
	{ "nosuid,suid,noexec", false, MS_NOEXEC, "" },
	{ "user", false, MS_NOSUID | MS_NODEV | MS_NOEXEC, "" },
	{ "user,exec", false, MS_NOSUID | MS_NODEV, "" },
	{ "user=me", false, 0, "user=me" },
	{ "remount,ro", false, MS_REMOUNT | MS_RDONLY, "" },
	{ "bind", false, MS_BIND, "" },
	{ "rbind", false, MS_BIND | MS_REC, "" },
	{ "move", false, MS_MOVE, "" },
	{ "move", true, 0, "move" },
	{ "bind,ro,except=/a", true, MS_RDONLY, "bind,except=/a" },
	{ "rbind,hide", true, MS_BIND | MS_REC, "hide" },
	{ "remount,hide", true, MS_REMOUNT, "hide" },
	{ "a,noatime,b,lazytime,c", false, MS_NOATIME | MS_LAZYTIME,
	  "a,b,c" },
	{ ",,a,,b,,", false, 0, "a,b" },
	{ "defaults,auto,nofail,_netdev,x-systemd.automount,X-y", false, 0,
	  "" },
	{ "x=1", false, 0, "x=1" },
	{ "context=\"a,ro,b\",ro", false, MS_RDONLY, "context=\"a,ro,b\"" },
	{ "except=/a\\,b,ro", false, MS_RDONLY, "except=/a\\,b" },
	{ "a\\\\,ro", false, MS_RDONLY, "a\\\\" },
	{ "open=\"a,ro", false, 0, "open=\"a,ro" },
	{ "end\\", false, 0, "end\\" },
	{ "silent,loud,relatime,strictatime,dirsync,sync,async", false,
	  MS_RELATIME | MS_STRICTATIME | MS_DIRSYNC, "" },
	{ "READONLY,Ro", false, 0, "READONLY,Ro" },
};

static void test_add(void)
{
	size_t n = sizeof(add_case) / sizeof(add_case[0]);

	for (size_t i = 0; i < n; i++) {
		struct mount_options o = { .own_move = add_case[i].own_move };

		tap_ok(mount_options_add(&o, add_case[i].list) == 0 &&
		       o.flags == add_case[i].flags, add_case[i].list);
		tap_same(o.data, add_case[i].data, "its data");
	}
}

static void test_accumulate(void)
{
	struct mount_options o = { .flags = MS_BIND };

	mount_options_add(&o, "a,ro");
	mount_options_add(&o, "b,rw,noexec");
	tap_ok(o.flags == (MS_BIND | MS_NOEXEC), "lists add up, the last wins");
	tap_same(o.data, "a,b", "and so does data");
}

static void test_full(void)
{
	struct mount_options o = { 0 };
	char list[sizeof(o.data) + 1];

	memset(list, 'a', sizeof(list));
	list[sizeof(o.data) - 1] = '\0';
	tap_ok(mount_options_add(&o, list) == 0 &&
	       strlen(o.data) == sizeof(o.data) - 1, "a page of data fits");
	tap_ok(mount_options_add(&o, "b") == -E2BIG, "no more than that");
	tap_ok(strlen(o.data) == sizeof(o.data) - 1, "what was there stays");
	o = (struct mount_options){ 0 };
	list[sizeof(o.data) - 1] = 'a';
	list[sizeof(o.data)] = '\0';
	tap_ok(mount_options_add(&o, list) == -E2BIG, "one word too long");
}

static void test_types(void)
{
	tap_ok(mount_type_owns_move("vufs"), "vufs owns move");
	tap_ok(mount_type_owns_move("viewfs"), "viewfs does");
	tap_ok(!mount_type_owns_move("ext2"), "ext2 does not");
}

int main(void)
{
	test_add();
	test_accumulate();
	test_full();
	test_types();
	return tap_end();
}
