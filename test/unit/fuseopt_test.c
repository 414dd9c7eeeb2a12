/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option lists of FUSE servers: what becomes of which word, and its end. */
#include <stdlib.h>
#include <sys/mount.h>
#include "test/unit/tools_tap.h"
#include "tools/fuseopt.c"

#define BASE (MS_NOSUID | MS_NODEV)

static const struct {
	const char *list;
	unsigned long flags;
	const char *data, *source, *type;
} add_case[] = {
	{ "", BASE, "", "/dev/fuse", "fuse" },
	{ "rw,nosuid,nodev", BASE, "", "/dev/fuse", "fuse" },
	{ "ro", BASE | MS_RDONLY, "", "/dev/fuse", "fuse" },
	{ "ro,rw", BASE, "", "/dev/fuse", "fuse" },
	{ "suid,dev,exec", BASE, "", "/dev/fuse", "fuse" },
	{ "noexec,sync,noatime,dirsync", BASE | MS_NOEXEC | MS_SYNCHRONOUS |
	  MS_NOATIME | MS_DIRSYNC, "", "/dev/fuse", "fuse" },
	{ "sync,async,noexec,exec,noatime,atime", BASE, "", "/dev/fuse",
	  "fuse" },
	{ "nosymfollow,nodiratime,relatime,strictatime,lazytime",
	  BASE | MS_NOSYMFOLLOW | MS_NODIRATIME | MS_RELATIME |
	  MS_STRICTATIME | MS_LAZYTIME, "", "/dev/fuse", "fuse" },
	{ "allow_other,max_read=4096,default_permissions,blksize=512", BASE,
	  "allow_other,max_read=4096,default_permissions,blksize=512",
	  "/dev/fuse", "fuse" },
	{ ",,allow_other,,ro,,", BASE | MS_RDONLY, "allow_other",
	  "/dev/fuse", "fuse" },
	{ "fsname=host:/a", BASE, "", "host:/a", "fuse" },
	{ "subtype=sshfs", BASE, "", "sshfs", "fuse.sshfs" },
	{ "fsname=/img,subtype=squash", BASE, "", "/img", "fuse.squash" },
	{ "fsname=a,fsname=b", BASE, "", "b", "fuse" },
	{ "fsname=,subtype=", BASE, "", "/dev/fuse", "fuse" },
	{ "fsname=a\\,b,ro", BASE | MS_RDONLY, "", "a,b", "fuse" },
	{ "fsname=a\\\\,ro", BASE | MS_RDONLY, "", "a\\", "fuse" },
	{ "fsname=a\\b\\\\\\,c", BASE, "", "ab\\,c", "fuse" },
	{ "fsname=end\\", BASE, "", "end\\", "fuse" },
	{ "subtype=x\\,y,fsname=z", BASE, "", "z", "fuse.x,y" },
	{ "blkdev,fsname=/dev/sdb,subtype=ntfs", BASE, "", "/dev/sdb",
	  "fuseblk.ntfs" },
	{ "max_read=1\\,ro", BASE | MS_RDONLY, "max_read=1\\", "/dev/fuse",
	  "fuse" },
	{ "nonempty,user,user=me,large_read,x-gvfs-show,x-,fd=9,rootmode=1,"
	  "user_id=0,group_id=0", BASE, "", "/dev/fuse", "fuse" },
};

static void test_add(void)
{
	size_t n = sizeof(add_case) / sizeof(add_case[0]);
	char type[FUSE_TYPE_SIZE];

	for (size_t i = 0; i < n; i++) {
		struct fuse_options o;

		fuse_options_init(&o);
		tap_ok(fuse_options_add(&o, add_case[i].list) == 0 &&
		       o.flags == add_case[i].flags, add_case[i].list);
		tap_same(o.data, add_case[i].data, "its data");
		tap_same(fuse_options_source(&o), add_case[i].source,
			 "its source");
		fuse_options_type(&o, type);
		tap_same(type, add_case[i].type, "its type");
	}
}

static const struct {
	const char *list, *word;
} unknown_case[] = {
	{ "bogus", "bogus" },
	{ "ro,bogus,rw", "bogus" },
	{ "bogus\\,ro", "bogus\\" },
	{ "READONLY", "READONLY" },
	{ "ro=1", "ro=1" },
	{ "fsname", "fsname" },
	{ "allow_others", "allow_others" },
	{ "allow_root", "allow_root" },
	{ "max_read", "max_read" },
	{ "users", "users" },
	{ "x", "x" },
	{ "remount", "remount" },
	{ "bind", "bind" },
	{ "context=a", "context=a" },
};

static void test_unknown(void)
{
	size_t n = sizeof(unknown_case) / sizeof(unknown_case[0]);

	for (size_t i = 0; i < n; i++) {
		const char *word = unknown_case[i].word;
		struct fuse_options o;

		fuse_options_init(&o);
		tap_ok(fuse_options_add(&o, unknown_case[i].list) == -EINVAL &&
		       o.unknown_length == (int)strlen(word) &&
		       memcmp(o.unknown, word, strlen(word)) == 0,
		       unknown_case[i].list);
	}
}

static void test_accumulate(void)
{
	struct fuse_options o;

	fuse_options_init(&o);
	fuse_options_add(&o, "max_read=1,ro,auto_unmount");
	fuse_options_add(&o, "allow_other,noexec,rw,suid");
	tap_ok(o.flags == (BASE | MS_NOEXEC), "lists add up, the last wins");
	tap_ok(o.auto_unmount && !o.block_device, "auto_unmount");
	tap_ok(o.refused == MS_NOSUID, "suid was refused");
	tap_ok(fuse_options_add_mount(&o, 7, S_IFDIR | 0755, 1000, -2) == 0,
	       "room for the mount");
	tap_same(o.data, "max_read=1,allow_other,fd=7,rootmode=40000,"
		 "user_id=1000,group_id=4294967294", "its data");
}

/* text + len times a; to be freed */
static char *long_word(const char *text, size_t len)
{
	size_t n = strlen(text);
	char *s = malloc(n + len + 1);

	if (!s)
		exit(99);
	memcpy(s, text, n);
	memset(s + n, 'a', len);
	s[n + len] = '\0';
	return s;
}

static int add_long(struct fuse_options *o, const char *text, size_t len)
{
	char *s = long_word(text, len);
	int err;

	fuse_options_init(o);
	err = fuse_options_add(o, s);
	o->unknown = NULL;
	free(s);
	return err;
}

static void test_full(void)
{
	size_t data = sizeof(((struct fuse_options *)0)->data);
	char type[FUSE_TYPE_SIZE];
	struct fuse_options o;

	tap_ok(!add_long(&o, "max_read=", data - 10) &&
	       strlen(o.data) == data - 1, "a page of data fits");
	tap_ok(fuse_options_add(&o, "blksize=") == -E2BIG &&
	       fuse_options_add_mount(&o, 7, S_IFDIR, 0, 0) == -E2BIG,
	       "no more than that");
	tap_ok(strlen(o.data) == data - 1, "what was there stays");
	tap_ok(add_long(&o, "max_read=", data - 9) == -E2BIG && !o.data[0],
	       "one byte too long");
	add_long(&o, "max_read=", data - 40);
	tap_ok(fuse_options_add_mount(&o, 7, S_IFDIR, 0, 0) == -E2BIG &&
	       strlen(o.data) == data - 31, "never half of the mount's data");
	tap_ok(!add_long(&o, "fsname=", PATH_MAX - 1) &&
	       strlen(fuse_options_source(&o)) == PATH_MAX - 1,
	       "a source as long as a path");
	tap_ok(add_long(&o, "fsname=", PATH_MAX) == -E2BIG, "one too long");
	tap_ok(!add_long(&o, "blkdev,subtype=", NAME_MAX), "a long subtype");
	fuse_options_type(&o, type);
	tap_ok(strlen(type) == NAME_MAX + 8, "and its type");
	tap_ok(add_long(&o, "subtype=", NAME_MAX + 1) == -E2BIG,
	       "one too long");
	tap_ok(add_long(&o, "b", 1 << 20) == -EINVAL &&
	       o.unknown_length == (1 << 20) + 1, "a long unknown word");
}

/* Whatever the list: no harm, and no flag is lost. */
static void test_noise(void)
{
	static const char *const piece[] = {
		"fsname=", "subtype=", "\\", ",", "a", "ro", "suid", "dev",
		"max_read=", "x-", "=", "\xff",
	};
	size_t pieces = sizeof(piece) / sizeof(piece[0]);
	bool good = true;
	unsigned seed = 1;

	for (int i = 0; i < 20000; i++) {
		char list[128] = "";
		struct fuse_options o;
		int err;

		for (int n = rand_r(&seed) % 12; n > 0; n--)
			strcat(list, piece[rand_r(&seed) % pieces]);
		fuse_options_init(&o);
		err = fuse_options_add(&o, list);
		good = good && (!err || (err == -EINVAL &&
			o.unknown >= list && o.unknown_length > 0 &&
			o.unknown + o.unknown_length <= list + strlen(list)));
		good = good && (o.flags & BASE) == BASE &&
			strlen(o.source) < sizeof(list) &&
			strlen(o.subtype) < sizeof(list);
	}
	tap_ok(good, "noise");
}

int main(void)
{
	test_add();
	test_unknown();
	test_accumulate();
	test_full();
	test_noise();
	return tap_end();
}
