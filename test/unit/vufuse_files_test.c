/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open files: with which flags, and that none stays open. */
#include <fcntl.h>

#include "test/unit/vufuse_fake_conn.h"

#define LARGE 0100000		/* O_LARGEFILE as the kernel sends it */

static const struct fuse_open_out opened = { .fh = 44, .open_flags = 2 };

static uint32_t word_of(unsigned n, size_t at)
{
	uint32_t word;

	memcpy(&word, fake.sent[n].bytes + at, sizeof(word));
	return word;
}

static struct file open_file(uint32_t flags)
{
	return (struct file){ .node = 9, .fh = 44, .flags = flags };
}

/* --- open, create, close --- */

static void opens(void)
{
	struct conn *c = fake_new();
	struct file f;

	fake_answer(0, &opened, sizeof(opened));
	CHECK(file_open(c, GUEST, 9, O_RDWR | O_CREAT | O_EXCL | O_TRUNC |
			O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_DIRECT |
			O_NOCTTY | O_DIRECTORY | O_PATH | O_TMPFILE |
			O_SYNC | O_NONBLOCK | O_NOATIME, &f) == 0);
	CHECK(fake_sent(0, FUSE_OPEN, 9, sizeof(struct fuse_open_in)));
	CHECK(word_of(0, 0) ==
	      (O_RDWR | O_SYNC | O_NONBLOCK | O_NOATIME | LARGE));
	CHECK(f.node == 9 && f.fh == 44 && f.answer == 2 && !f.none);
	CHECK(f.flags == word_of(0, 0));
	fake_answer(0, &opened, sizeof(opened));
	CHECK(file_open(c, GUEST, 9, O_RDONLY | O_DSYNC, &f) == 0);
	CHECK(word_of(1, 0) == (O_DSYNC | LARGE));
	fake_answer(-EPERM, NULL, 0);
	CHECK(file_open(c, GUEST, 9, O_RDONLY, &f) == -EPERM && !f.none);
	fake_answer(0, &opened, sizeof(opened) - 8);
	CHECK(file_open(c, GUEST, 9, O_RDONLY, &f) == -EIO);
	fake_over();
}

static void closes(void)
{
	struct conn *c = fake_new();
	struct file f = open_file(O_WRONLY | LARGE);
	struct fuse_flush_in flush;
	struct fuse_release_in release;

	fake_answer(-EDQUOT, NULL, 0);
	fake_answer(-EIO, NULL, 0);
	CHECK(file_close(c, GUEST, &f) == -EDQUOT);
	CHECK(fake_sent(0, FUSE_FLUSH, 9, sizeof(flush)));
	CHECK(fake_sent(1, FUSE_RELEASE, 9, sizeof(release)));
	memcpy(&flush, fake.sent[0].bytes, sizeof(flush));
	CHECK(flush.fh == 44 && flush.lock_owner == 0);
	memcpy(&release, fake.sent[1].bytes, sizeof(release));
	CHECK(release.fh == 44 && release.flags == (O_WRONLY | LARGE));
	CHECK(release.release_flags == 0 && release.lock_owner == 0);
	fake_answer(-ENOSYS, NULL, 0);
	CHECK(file_close(c, GUEST, &f) == 0 && fake.nsent == 4);
	f.flags = O_RDONLY;
	CHECK(!fake.sent[1].posted && !fake.sent[3].posted);
	CHECK(file_close(c, GUEST, &f) == 0 && fake.nsent == 5);
	CHECK(fake_sent(4, FUSE_RELEASE, 9, sizeof(release)));
	memcpy(&release, fake.sent[4].bytes, sizeof(release));
	CHECK(release.fh == 44 && release.flags == O_RDONLY);
	CHECK(fake.sent[4].posted);	/* it was only read */
	c->post_error = -EAGAIN;	/* the server does not keep up */
	fake_answer(-EIO, NULL, 0);
	CHECK(file_close(c, GUEST, &f) == 0 && fake.nsent == 6);
	CHECK(fake_sent(5, FUSE_RELEASE, 9, sizeof(release)));
	CHECK(!fake.sent[5].posted);
	fake_over();
}

static void flushes_unless_told(void)
{
	struct conn *c = fake_new();
	struct file f = open_file(O_RDWR);

	f.answer = FOPEN_NOFLUSH;
	CHECK(file_close(c, GUEST, &f) == 0 && fake.nsent == 1);
	CHECK(fake.sent[0].opcode == FUSE_RELEASE);
	c->limits.flags |= FUSE_WRITEBACK_CACHE;
	CHECK(file_close(c, GUEST, &f) == 0 && fake.nsent == 3);
	CHECK(fake.sent[1].opcode == FUSE_FLUSH);
	fake_over();
}

/* The caller is gone: the file is released all the same, by the owner. */
static void releases_for_the_dead(void)
{
	struct conn *c = fake_new();
	struct file f = open_file(O_WRONLY);

	f.answer = FOPEN_NOFLUSH;

	c->begin_fails = 1;
	c->begin_error = -EINTR;
	CHECK(file_close(c, GUEST, &f) == 0);
	CHECK(fake.nsent == 1 && fake.sent[0].opcode == FUSE_RELEASE);
	CHECK(fake.sent[0].by_owner);
	fake_over();
	c = fake_new();
	c->begin_fails = 1;
	c->begin_error = -ENOTCONN;
	CHECK(file_close(c, GUEST, &f) == 0 && fake.nsent == 0);
	fake_over();
}

static void servers_without_open(void)
{
	struct conn *c = fake_new();
	struct file f;

	fake_answer(-ENOSYS, NULL, 0);
	CHECK(file_open(c, GUEST, 9, O_RDWR, &f) == 0);
	CHECK(f.none && f.fh == 0 && f.node == 9);
	CHECK(f.answer == FOPEN_KEEP_CACHE);
	CHECK(file_close(c, GUEST, &f) == 0);
	CHECK(fake.nsent == 2 && fake.sent[1].opcode == FUSE_FLUSH);
	fake_over();
}

static char created[sizeof(struct fuse_entry_out) +
		    sizeof(struct fuse_open_out)];

static void answer_created(uint64_t node, uint32_t mode, size_t entry)
{
	struct fuse_entry_out e = fake_entry(node, mode);

	memcpy(created, &e, entry);
	memcpy(created + entry, &opened, sizeof(opened));
	fake_answer(0, created, entry + sizeof(opened));
}

static void creates(void)
{
	struct conn *c = fake_new();
	struct fuse_create_in in;
	struct fuse_entry_out e;
	struct file f;

	answer_created(12, S_IFREG | 0640, sizeof(e));
	CHECK(file_create(c, GUEST, 1, "new", O_RDWR | O_EXCL | O_TRUNC |
			  O_APPEND | O_CLOEXEC, S_IFREG | 0640, &f, &e) == 0);
	CHECK(fake_sent(0, FUSE_CREATE, 1, sizeof(in) + 4));
	memcpy(&in, fake.sent[0].bytes, sizeof(in));
	CHECK(in.flags == (O_RDWR | O_CREAT | O_EXCL | LARGE));
	CHECK(in.mode == (S_IFREG | 0640) && in.umask == 027);
	CHECK(!strcmp(fake.sent[0].bytes + sizeof(in), "new"));
	CHECK(e.nodeid == 12 && f.node == 12 && f.fh == 44 && f.answer == 2);
	CHECK(f.flags == (O_RDWR | LARGE) && !f.none);
	answer_created(12, S_IFREG, sizeof(e));
	CHECK(file_create(c, NULL, 1, "new", O_WRONLY, 0600, &f, &e) == 0);
	memcpy(&in, fake.sent[1].bytes, sizeof(in));
	CHECK(in.flags == (O_WRONLY | O_CREAT | LARGE) && in.umask == 0);
	CHECK(in.mode == (S_IFREG | 0600));
	fake_answer(-ENOSYS, NULL, 0);
	CHECK(file_create(c, GUEST, 1, "n", O_RDWR, 0, &f, &e) == -ENOSYS);
	c->limits.minor = 8;
	answer_created(12, S_IFREG, FUSE_COMPAT_ENTRY_OUT_SIZE);
	CHECK(file_create(c, GUEST, 1, "n", O_RDWR, 0, &f, &e) == 0);
	CHECK(fake_sent(3, FUSE_CREATE, 1, sizeof(struct fuse_open_in) + 2));
	CHECK(f.fh == 44 && e.attr.blksize == 0 && fake.nforgotten == 0);
	fake_over();
}

/* Nonsense is refused; what the server has open for it is released. */
static void refuses_bad_creations(void)
{
	static const struct { uint64_t node; uint32_t mode; } bad[] = {
		{ 12, S_IFDIR | 0600 }, { 12, 0600 }, { 12, S_IFLNK },
		{ FUSE_ROOT_ID, S_IFREG }, { 0, S_IFREG },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct conn *c = fake_new();
		struct fuse_entry_out e;
		struct file f;

		answer_created(bad[i].node, bad[i].mode, sizeof(e));
		CHECK(file_create(c, GUEST, 1, "n", O_RDWR, 0600, &f, &e) ==
		      -EIO);
		CHECK(fake.nsent == (bad[i].node ? 2 : 1));
		CHECK(!bad[i].node ||
		      fake_sent(1, FUSE_RELEASE, bad[i].node,
				sizeof(struct fuse_release_in)));
		CHECK(fake.nforgotten == (bad[i].node == 12));
		fake_over();
	}
}

static void syncs(void)
{
	struct conn *c = fake_new();
	struct file f = open_file(O_RDWR);
	struct fuse_fsync_in in;

	CHECK(file_sync(c, GUEST, &f, true) == 0);
	CHECK(fake_sent(0, FUSE_FSYNC, 9, sizeof(in)));
	memcpy(&in, fake.sent[0].bytes, sizeof(in));
	CHECK(in.fh == 44 && in.fsync_flags == FUSE_FSYNC_FDATASYNC);
	fake_answer(-ENOSYS, NULL, 0);
	CHECK(file_sync(c, GUEST, &f, false) == 0);
	memcpy(&in, fake.sent[1].bytes, sizeof(in));
	CHECK(in.fsync_flags == 0);
	fake_answer(-EIO, NULL, 0);
	CHECK(file_sync(c, GUEST, &f, false) == -EIO);
	fake_over();
}

static void syncs_directories(void)
{
	struct conn *c;
	struct fuse_fsync_in in;

	for (int i = 0; i < 3; i++) {
		static const int error[] = { 0, -ENOSYS, -EIO };

		c = fake_new();
		fake_answer(0, &opened, sizeof(opened));
		fake_answer(error[i], NULL, 0);
		CHECK(ask_syncdir(c, GUEST, 6) == (i < 2 ? 0 : -EIO));
		CHECK(fake_sent(1, FUSE_FSYNCDIR, 6, sizeof(in)));
		memcpy(&in, fake.sent[1].bytes, sizeof(in));
		CHECK(in.fh == 44 && in.fsync_flags == 0);
		CHECK(fake.sent[2].opcode == FUSE_RELEASEDIR);
		fake_over();
	}
	c = fake_new();
	fake_answer(-EACCES, NULL, 0);
	CHECK(ask_syncdir(c, GUEST, 6) == -EACCES && fake.nsent == 1);
	fake_over();
}

int main(void)
{
	opens();
	closes();
	flushes_unless_told();
	releases_for_the_dead();
	servers_without_open();
	creates();
	refuses_bad_creations();
	syncs();
	syncs_directories();
	return failures != 0;
}
