/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of a FUSE server about names, and what is believed of it. */
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "test/unit/vufuse_fake_conn.h"

#define NSEC_MAX 999999999u

static void looks_up(void)
{
	struct conn *c = fake_new();
	struct fuse_entry_out good = fake_entry(7, S_IFREG | 0644), e;

	fake_answer(0, &good, sizeof(good));
	CHECK(ask_lookup(c, GUEST, 4, "name", &e) == 0);
	CHECK(!memcmp(&e, &good, sizeof(e)));
	CHECK(fake_sent(0, FUSE_LOOKUP, 4, 5));
	CHECK(!strcmp(fake.sent[0].bytes, "name"));
	CHECK(fake.nforgotten == 0);
	fake_over();
}

static void tells_how_long_a_name_is_absent(void)
{
	struct conn *c = fake_new();
	struct fuse_entry_out none = {
		.entry_valid = 9, .entry_valid_nsec = UINT32_MAX,
	}, e;

	fake_answer(0, &none, sizeof(none));
	CHECK(ask_lookup(c, GUEST, 4, "name", &e) == -ENOENT);
	CHECK(e.nodeid == 0 && e.entry_valid == 9);
	CHECK(e.entry_valid_nsec == NSEC_MAX);
	memset(&e, 0xff, sizeof(e));
	fake_answer(-ENOENT, NULL, 0);
	CHECK(ask_lookup(c, GUEST, 4, "name", &e) == -ENOENT);
	CHECK(e.nodeid == 0 && e.entry_valid == 0 && e.entry_valid_nsec == 0);
	CHECK(fake.nforgotten == 0);
	fake_over();
}

/* Each of them is -EIO, and forgotten unless it is the root. */
static void refuses_bad_entries(void)
{
	static const struct {
		uint64_t node, size;
		uint32_t mode;
	} bad[] = {
		{ FUSE_ROOT_ID, 0, S_IFDIR | 0755 },
		{ 7, 0, 0644 },
		{ 7, 0, S_IFMT },
		{ 7, 0, 0030000 | 0644 },
		{ UINT64_MAX, 1ULL << 63, S_IFREG },
		{ 8, UINT64_MAX, S_IFREG },
	};
	struct conn *c = fake_new();
	struct fuse_entry_out e, answer;
	unsigned forgotten = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		answer = fake_entry(bad[i].node, bad[i].mode);
		answer.attr.size = bad[i].size;
		fake_answer(0, &answer, sizeof(answer));
		CHECK(ask_lookup(c, GUEST, 1, "x", &e) == -EIO);
		if (bad[i].node != FUSE_ROOT_ID)
			CHECK(fake_forgot(forgotten++, bad[i].node));
		CHECK(fake.nforgotten == forgotten);
	}
	fake_over();
}

static void cuts_what_can_be_cut(void)
{
	struct conn *c = fake_new();
	struct fuse_entry_out odd = fake_entry(7, 0xffff0000 | S_IFLNK | 0777), e;

	odd.attr.atimensec = odd.attr.mtimensec = odd.attr.ctimensec =
		odd.attr_valid_nsec = odd.entry_valid_nsec = NSEC_MAX + 1;
	odd.attr.size = INT64_MAX;
	fake_answer(0, &odd, sizeof(odd));
	CHECK(ask_lookup(c, GUEST, 1, "x", &e) == 0);
	CHECK(e.attr.mode == (S_IFLNK | 0777));
	CHECK(e.attr.atimensec == NSEC_MAX && e.attr.mtimensec == NSEC_MAX);
	CHECK(e.attr.ctimensec == NSEC_MAX);
	CHECK(e.attr_valid_nsec == NSEC_MAX && e.entry_valid_nsec == NSEC_MAX);
	CHECK(e.attr.size == INT64_MAX);
	fake_over();
}

static void refuses_answers_of_other_lengths(void)
{
	struct conn *c = fake_new();
	struct fuse_entry_out e;
	struct fuse_attr_out a;
	struct statfs st;
	char bytes[256] = "";

	fake_answer(0, bytes, sizeof(e) - 1);
	CHECK(ask_lookup(c, GUEST, 1, "x", &e) == -EIO);
	CHECK(e.nodeid == 0);
	fake_answer(0, bytes, sizeof(e) + 1);
	CHECK(ask_lookup(c, GUEST, 1, "x", &e) == -EIO);
	fake_answer(0, bytes, 0);
	CHECK(ask_getattr(c, GUEST, 1, NULL, &a) == -EIO);
	fake_answer(0, bytes, FUSE_COMPAT_STATFS_SIZE);
	CHECK(ask_statfs(c, GUEST, 1, &st) == -EIO);
	fake_answer(0, bytes, 1);
	CHECK(ask_unlink(c, GUEST, 1, "x") == -EIO);
	fake_over();
}

static void asks_for_attributes(void)
{
	struct conn *c = fake_new();
	struct fuse_attr_out good = {
		.attr_valid = 2, .attr_valid_nsec = UINT32_MAX,
		.attr = { .mode = S_IFDIR | 01777, .size = 3 },
	}, bad = good, a;
	struct fuse_setattr_in set = { .valid = FATTR_SIZE, .size = 3 };
	struct fuse_getattr_in in;
	uint64_t fh = 99;

	fake_answer(0, &good, sizeof(good));
	CHECK(ask_getattr(c, GUEST, 1, &fh, &a) == 0);
	CHECK(a.attr.mode == (S_IFDIR | 01777) && a.attr_valid == 2);
	CHECK(a.attr_valid_nsec == NSEC_MAX);
	CHECK(fake_sent(0, FUSE_GETATTR, 1, sizeof(in)));
	memcpy(&in, fake.sent[0].bytes, sizeof(in));
	CHECK(in.getattr_flags == FUSE_GETATTR_FH && in.fh == 99);
	fake_answer(0, &good, sizeof(good));
	CHECK(ask_setattr(c, GUEST, 5, &set, &a) == 0 && a.attr.size == 3);
	CHECK(fake_sent(1, FUSE_SETATTR, 5, sizeof(set)));
	CHECK(!memcmp(fake.sent[1].bytes, &set, sizeof(set)));
	bad.attr.mode = 0;
	fake_answer(0, &bad, sizeof(bad));
	CHECK(ask_getattr(c, GUEST, 1, NULL, &a) == -EIO);
	memcpy(&in, fake.sent[2].bytes, sizeof(in));
	CHECK(in.getattr_flags == 0 && in.fh == 0);
	fake_answer(-ESTALE, NULL, 0);
	CHECK(ask_setattr(c, GUEST, 5, &set, &a) == -ESTALE);
	fake_over();
}

static void reads_links(void)
{
	struct conn *c = fake_new();
	char text[PATH_MAX], buf[PATH_MAX];

	memset(text, 't', sizeof(text));
	fake_answer(0, text, PATH_MAX - 1);
	CHECK(ask_readlink(c, GUEST, 2, buf, sizeof(buf)) == PATH_MAX - 1);
	CHECK(!memcmp(buf, text, PATH_MAX - 1));
	fake_answer(0, text, PATH_MAX);
	CHECK(ask_readlink(c, GUEST, 2, buf, sizeof(buf)) == -EIO);
	memset(buf, 0, sizeof(buf));
	fake_answer(0, "short", 5);
	CHECK(ask_readlink(c, GUEST, 2, buf, 3) == 3);
	CHECK(!memcmp(buf, "sho\0", 4));
	fake_answer(0, "a\0b", 4);
	CHECK(ask_readlink(c, GUEST, 2, buf, sizeof(buf)) == 1);
	fake_answer(0, "\0b", 3);
	CHECK(ask_readlink(c, GUEST, 2, buf, sizeof(buf)) == -EIO);
	fake_answer(0, NULL, 0);
	CHECK(ask_readlink(c, GUEST, 2, buf, sizeof(buf)) == -EIO);
	fake_answer(-EINVAL, NULL, 0);
	CHECK(ask_readlink(c, GUEST, 2, buf, sizeof(buf)) == -EINVAL);
	CHECK(fake_sent(0, FUSE_READLINK, 2, 0));
	fake_over();
}

static void asks_who_may(void)
{
	struct conn *c = fake_new();
	struct fuse_access_in in;

	fake_answer(0, NULL, 0);
	CHECK(ask_access(c, GUEST, 3, 0xf0 | W_OK) == 0);
	CHECK(fake_sent(0, FUSE_ACCESS, 3, sizeof(in)));
	memcpy(&in, fake.sent[0].bytes, sizeof(in));
	CHECK(in.mask == W_OK);
	fake_answer(-ENOSYS, NULL, 0);
	CHECK(ask_access(c, GUEST, 3, R_OK) == -ENOSYS);
	fake_over();
}

static void asks_for_space(void)
{
	struct conn *c = fake_new();
	struct fuse_statfs_out out = { .st = {
		.blocks = 10, .bfree = 9, .bavail = 8, .files = 7, .ffree = 6,
		.bsize = 4096, .namelen = 255, .frsize = 512,
	} };
	struct statfs st;

	fake_answer(0, &out, sizeof(out));
	CHECK(ask_statfs(c, GUEST, 1, &st) == 0);
	CHECK(st.f_type == FUSE_SUPER_MAGIC && st.f_blocks == 10);
	CHECK(st.f_bfree == 9 && st.f_bavail == 8 && st.f_files == 7);
	CHECK(st.f_ffree == 6 && st.f_bsize == 4096 && st.f_namelen == 255);
	CHECK(st.f_frsize == 512 && st.f_flags == 0);
	c->limits.minor = 3;
	fake_answer(0, &out, FUSE_COMPAT_STATFS_SIZE);
	CHECK(ask_statfs(c, GUEST, 1, &st) == 0);
	CHECK(st.f_frsize == 4096 && st.f_namelen == 255);
	fake_over();
}

static void makes_names(void)
{
	struct conn *c = fake_new();
	struct fuse_entry_out dev = fake_entry(7, S_IFCHR | 0600), e;
	struct fuse_entry_out dir = fake_entry(8, S_IFDIR | 0700);
	struct fuse_entry_out link = fake_entry(9, S_IFLNK | 0777);
	struct fuse_mknod_in mknod_in;
	struct fuse_mkdir_in mkdir_in;

	fake_answer(0, &dev, sizeof(dev));
	CHECK(ask_mknod(c, GUEST, 1, "n", S_IFCHR | 0600,
			makedev(0x123, 0x45678), &e) == 0 && e.nodeid == 7);
	CHECK(fake_sent(0, FUSE_MKNOD, 1, sizeof(mknod_in) + 2));
	memcpy(&mknod_in, fake.sent[0].bytes, sizeof(mknod_in));
	CHECK(mknod_in.mode == (S_IFCHR | 0600) && mknod_in.umask == 027);
	CHECK(mknod_in.rdev == 0x45612378);
	CHECK(!strcmp(fake.sent[0].bytes + sizeof(mknod_in), "n"));

	fake_answer(0, &dir, sizeof(dir));
	CHECK(ask_mkdir(c, GUEST, 1, "d", 0700, &e) == 0 && e.nodeid == 8);
	CHECK(fake_sent(1, FUSE_MKDIR, 1, sizeof(mkdir_in) + 2));
	memcpy(&mkdir_in, fake.sent[1].bytes, sizeof(mkdir_in));
	CHECK(mkdir_in.mode == 0700 && mkdir_in.umask == 027);

	fake_answer(0, &link, sizeof(link));
	CHECK(ask_symlink(c, NULL, 1, "l", "text", &e) == 0 && e.nodeid == 9);
	CHECK(fake_sent(2, FUSE_SYMLINK, 1, 2 + 5));
	CHECK(!memcmp(fake.sent[2].bytes, "l\0text", 7));
	CHECK(fake.sent[2].by_owner);
	CHECK(ask_mknod(c, GUEST, 1, "n", S_IFBLK, makedev(0x12345, 1), &e) ==
	      -EINVAL);
	CHECK(fake.nsent == 3 && fake.nforgotten == 0);
	fake_over();
}

static void makes_files_and_links(void)
{
	struct conn *c = fake_new();
	struct fuse_entry_out file = fake_entry(7, S_IFREG | 0600), e;
	struct fuse_mknod_in in;
	struct fuse_link_in link_in;

	fake_answer(0, &file, sizeof(file));
	CHECK(ask_mknod(c, NULL, 1, "n", 0600, 77, &e) == 0);
	memcpy(&in, fake.sent[0].bytes, sizeof(in));
	CHECK(in.mode == (S_IFREG | 0600) && in.rdev == 0 && in.umask == 0);
	fake_answer(0, &file, sizeof(file));
	CHECK(ask_link(c, GUEST, 7, 2, "other", &e) == 0 && e.nodeid == 7);
	CHECK(fake_sent(1, FUSE_LINK, 2, sizeof(link_in) + 6));
	memcpy(&link_in, fake.sent[1].bytes, sizeof(link_in));
	CHECK(link_in.oldnodeid == 7);
	fake_answer(-ENOSYS, NULL, 0);
	CHECK(ask_link(c, GUEST, 7, 2, "other", &e) == -EPERM);
	fake_answer(-ENOSYS, NULL, 0);
	CHECK(ask_mknod(c, NULL, 1, "n", 0600, 0, &e) == -ENOSYS);
	fake_over();
}

/* A server that makes something else, or nothing, or the root. */
static void refuses_what_was_not_asked_for(void)
{
	struct conn *c = fake_new();
	struct fuse_entry_out file = fake_entry(7, S_IFREG | 0600), e;
	struct fuse_entry_out none = fake_entry(0, S_IFDIR);
	struct fuse_entry_out root = fake_entry(FUSE_ROOT_ID, S_IFDIR);

	fake_answer(0, &file, sizeof(file));
	CHECK(ask_mkdir(c, GUEST, 1, "d", 0700, &e) == -EIO);
	fake_answer(0, &file, sizeof(file));
	CHECK(ask_symlink(c, GUEST, 1, "l", "t", &e) == -EIO);
	fake_answer(0, &file, sizeof(file));
	CHECK(ask_mknod(c, GUEST, 1, "f", S_IFIFO | 0600, 0, &e) == -EIO);
	CHECK(fake.nforgotten == 3 && fake_forgot(2, 7));
	fake_answer(0, &none, sizeof(none));
	CHECK(ask_mkdir(c, GUEST, 1, "d", 0700, &e) == -EIO);
	fake_answer(0, &root, sizeof(root));
	CHECK(ask_mkdir(c, GUEST, 1, "d", 0700, &e) == -EIO);
	CHECK(fake.nforgotten == 3);
	fake_over();
}

static void removes_and_renames(void)
{
	struct conn *c = fake_new();
	struct fuse_rename2_in in;

	CHECK(ask_unlink(c, GUEST, 1, "f") == 0);
	CHECK(fake_sent(0, FUSE_UNLINK, 1, 2));
	CHECK(ask_rmdir(c, GUEST, 2, "dd") == 0);
	CHECK(fake_sent(1, FUSE_RMDIR, 2, 3));
	CHECK(ask_rename(c, GUEST, 1, "a", 2, "bb", 0) == 0);
	CHECK(fake_sent(2, FUSE_RENAME, 1,
			sizeof(struct fuse_rename_in) + 2 + 3));
	CHECK(!memcmp(fake.sent[2].bytes + sizeof(struct fuse_rename_in),
		      "a\0bb", 5));
	CHECK(ask_rename(c, GUEST, 1, "a", 2, "b", RENAME_EXCHANGE) == 0);
	CHECK(fake_sent(3, FUSE_RENAME2, 1, sizeof(in) + 4));
	memcpy(&in, fake.sent[3].bytes, sizeof(in));
	CHECK(in.newdir == 2 && in.flags == RENAME_EXCHANGE);
	fake_answer(-ENOSYS, NULL, 0);
	CHECK(ask_rename(c, GUEST, 1, "a", 2, "b", RENAME_NOREPLACE) ==
	      -EINVAL);
	fake_answer(-ENOSYS, NULL, 0);
	CHECK(ask_rename(c, GUEST, 1, "a", 2, "b", 0) == -ENOSYS);
	CHECK(ask_rename(c, GUEST, 1, "a", 2, "b", 8) == -EINVAL);
	c->limits.minor = 22;
	CHECK(ask_rename(c, GUEST, 1, "a", 2, "b", 1) == -EINVAL);
	CHECK(fake.nsent == 6);
	fake_over();
}

static void speaks_to_old_servers(void)
{
	struct conn *c = fake_new();
	struct fuse_entry_out old = fake_entry(7, S_IFREG | 0600), e;
	struct fuse_attr_out attr = { .attr.mode = S_IFREG, .attr.blksize = 1 };
	struct fuse_attr_out a;

	c->limits.minor = 8;
	fake_answer(0, &old, FUSE_COMPAT_ENTRY_OUT_SIZE);
	memset(&e, 0xff, sizeof(e));
	CHECK(ask_lookup(c, GUEST, 1, "x", &e) == 0);
	CHECK(e.nodeid == 7 && e.attr.blksize == 0 && e.attr.flags == 0);
	fake_answer(0, &attr, FUSE_COMPAT_ATTR_OUT_SIZE);
	memset(&a, 0xff, sizeof(a));
	CHECK(ask_getattr(c, GUEST, 7, NULL, &a) == 0 && !a.attr.blksize);
	fake_answer(0, &old, FUSE_COMPAT_ENTRY_OUT_SIZE);
	CHECK(ask_mknod(c, GUEST, 1, "n", S_IFREG, 0, &e) == 0);
	CHECK(fake_sent(2, FUSE_MKNOD, 1, FUSE_COMPAT_MKNOD_IN_SIZE + 2));
	c->limits.minor = 9;
	fake_answer(0, &old, FUSE_COMPAT_ENTRY_OUT_SIZE);
	CHECK(ask_lookup(c, GUEST, 1, "x", &e) == -EIO);
	c->limits.minor = 11;
	fake_answer(0, &old, sizeof(old));
	CHECK(ask_mknod(c, GUEST, 1, "n", S_IFREG, 0, &e) == 0);
	CHECK(fake_sent(4, FUSE_MKNOD, 1, FUSE_COMPAT_MKNOD_IN_SIZE + 2));
	fake_over();
}

static void turns_attributes_into_stat(void)
{
	struct fuse_attr a = {
		.ino = 11, .size = 12, .blocks = 13, .atime = -14ULL,
		.mtime = 15, .ctime = 16, .atimensec = 17, .mtimensec = 18,
		.ctimensec = 19, .mode = S_IFBLK | 06755, .nlink = 20,
		.uid = 21, .gid = 22, .rdev = 0x45612378, .blksize = 4095,
	};
	struct stat st;

	attr_to_stat(&a, &st);
	CHECK(st.st_dev == 0 && st.st_ino == 11 && st.st_size == 12);
	CHECK(st.st_blocks == 13 && st.st_mode == (S_IFBLK | 06755));
	CHECK(st.st_nlink == 20 && st.st_uid == 21 && st.st_gid == 22);
	CHECK(st.st_rdev == makedev(0x123, 0x45678));
	CHECK(st.st_atim.tv_sec == -14 && st.st_atim.tv_nsec == 17);
	CHECK(st.st_mtim.tv_sec == 15 && st.st_mtim.tv_nsec == 18);
	CHECK(st.st_ctim.tv_sec == 16 && st.st_ctim.tv_nsec == 19);
	CHECK(st.st_blksize == 2048);
	a.mode = S_IFREG;
	a.blksize = UINT32_MAX;
	attr_to_stat(&a, &st);
	CHECK(st.st_rdev == 0 && st.st_blksize == 1L << 31);
	a.blksize = 0;
	attr_to_stat(&a, &st);
	CHECK(st.st_blksize == 4096);
}

/* --- extended attributes --- */

static void reads_xattrs(void)
{
	struct conn *c = fake_new();
	struct fuse_getxattr_out len = { .size = 5 };
	struct fuse_getxattr_in in;
	static char value[XATTR_SIZE_MAX + 1];

	fake_answer(0, &len, sizeof(len));
	CHECK(ask_getxattr(c, GUEST, 2, "user.a", NULL, 0) == 5);
	CHECK(fake_sent(0, FUSE_GETXATTR, 2, sizeof(in) + 7));
	CHECK(fake.sent[0].room == sizeof(len));
	fake_answer(0, "hello", 5);
	CHECK(ask_getxattr(c, GUEST, 2, "user.a", value, 8) == 5);
	CHECK(!strcmp(value, "hello"));
	memcpy(&in, fake.sent[1].bytes, sizeof(in));
	CHECK(in.size == 8);
	fake_answer(0, NULL, 0);
	CHECK(ask_getxattr(c, GUEST, 2, "user.a", value, 8) == 0);
	fake_answer(0, "too long", 9);
	CHECK(ask_getxattr(c, GUEST, 2, "user.a", value, 8) == -EIO);
	fake_answer(-ERANGE, NULL, 0);
	CHECK(ask_getxattr(c, GUEST, 2, "user.a", value, 8) == -ERANGE);
	fake_answer(-ERANGE, NULL, 0);
	CHECK(ask_getxattr(c, GUEST, 2, "a", value, sizeof(value)) == -E2BIG);
	CHECK(fake.sent[5].room == XATTR_SIZE_MAX);
	len.size = UINT32_MAX;
	fake_answer(0, &len, sizeof(len));
	CHECK(ask_getxattr(c, GUEST, 2, "a", NULL, 0) == XATTR_SIZE_MAX);
	fake_over();
}

static void refuses_bad_lists_of_xattrs(void)
{
	static const struct {
		const char *list;
		size_t len;
		ssize_t want;
	} try[] = {
		{ "user.a\0user.b", 14, 14 }, { "", 0, 0 },
		{ "user.a", 6, -EIO }, { "", 1, -EIO }, { "a\0", 3, -EIO },
		{ "a\0b", 3, -EIO }, { "\0a", 3, -EIO }, { "a", 2, 2 },
	};
	struct conn *c = fake_new();
	struct fuse_getxattr_out len = { .size = 14 };

	for (size_t i = 0; i < sizeof(try) / sizeof(try[0]); i++) {
		size_t size = try[i].len ? try[i].len : 1;
		char *list = malloc(size);	/* nothing is read behind it */

		fake_answer(0, try[i].list, try[i].len);
		CHECK(ask_listxattr(c, GUEST, 2, list, size) == try[i].want);
		free(list);
	}
	fake_answer(0, &len, sizeof(len));
	CHECK(ask_listxattr(c, GUEST, 2, NULL, 0) == 14);
	CHECK(fake_sent(0, FUSE_LISTXATTR, 2, sizeof(struct fuse_getxattr_in)));
	fake_over();
}

static void writes_xattrs(void)
{
	struct conn *c = fake_new();
	struct fuse_setxattr_in in;

	CHECK(ask_setxattr(c, GUEST, 2, "a", "val", 3, 1) == 0);
	CHECK(fake_sent(0, FUSE_SETXATTR, 2,
			FUSE_COMPAT_SETXATTR_IN_SIZE + 2 + 3));
	memcpy(&in, fake.sent[0].bytes, sizeof(in));
	CHECK(in.size == 3 && in.flags == 1);
	CHECK(!memcmp(fake.sent[0].bytes + FUSE_COMPAT_SETXATTR_IN_SIZE,
		      "a\0val", 5));
	CHECK(ask_setxattr(c, GUEST, 2, "a", NULL, 0, 0) == 0);
	CHECK(ask_removexattr(c, GUEST, 2, "a") == 0);
	CHECK(fake_sent(2, FUSE_REMOVEXATTR, 2, 2));
	CHECK(ask_setxattr(c, GUEST, 2, "a", "", XATTR_SIZE_MAX + 1, 0) ==
	      -E2BIG);
	CHECK(fake.nsent == 3);
	fake_over();
}

static void servers_without_xattrs(void)
{
	struct conn *c = fake_new();
	char buf[8];

	for (int i = 0; i < 5; i++)
		fake_answer(-ENOSYS, NULL, 0);
	CHECK(ask_getxattr(c, GUEST, 2, "a", NULL, 0) == -EOPNOTSUPP);
	CHECK(ask_getxattr(c, GUEST, 2, "a", buf, 8) == -EOPNOTSUPP);
	CHECK(ask_listxattr(c, GUEST, 2, buf, 8) == -EOPNOTSUPP);
	CHECK(ask_setxattr(c, GUEST, 2, "a", "", 0, 0) == -EOPNOTSUPP);
	CHECK(ask_removexattr(c, GUEST, 2, "a") == -EOPNOTSUPP);
	fake_over();
}

int main(void)
{
	looks_up();
	tells_how_long_a_name_is_absent();
	refuses_bad_entries();
	cuts_what_can_be_cut();
	refuses_answers_of_other_lengths();
	asks_for_attributes();
	reads_links();
	asks_who_may();
	asks_for_space();
	makes_names();
	makes_files_and_links();
	refuses_what_was_not_asked_for();
	removes_and_renames();
	speaks_to_old_servers();
	turns_attributes_into_stat();
	reads_xattrs();
	refuses_bad_lists_of_xattrs();
	writes_xattrs();
	servers_without_xattrs();
	return failures != 0;
}
