/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * Listings: pages of records, whole and broken, and who pays for the lookups
 * that come with them.
 */
#include <dirent.h>
#include <fcntl.h>

#include "test/unit/vufuse_fake_conn.h"

#define PLUS sizeof(struct fuse_entry_out)
#define ENDLESS (1u << 24)

static const struct fuse_open_out opened = { .fh = 44 };

/* A page being made; several may be there. */
struct page {
	size_t len;
	uint64_t off;
	bool plus;
	char bytes[8192] __attribute__((aligned(8)));
};

static void put_bytes(struct page *p, const char *name, size_t len,
		      uint32_t type, uint64_t node, uint32_t mode)
{
	struct fuse_entry_out e = fake_entry(node, mode);
	struct fuse_dirent d = {
		.ino = 100 + p->off, .off = p->off + 1, .namelen = len,
		.type = type,
	};
	char *at = p->bytes + p->len;

	if (p->plus) {
		memcpy(at, &e, sizeof(e));
		at += sizeof(e);
	}
	memcpy(at, &d, FUSE_NAME_OFFSET);
	memcpy(at + FUSE_NAME_OFFSET, name, len);
	p->len += FUSE_REC_ALIGN((p->plus ? PLUS : 0) + FUSE_NAME_OFFSET + len);
	p->off++;
}

static void put(struct page *p, const char *name, uint32_t type)
{
	put_bytes(p, name, strlen(name), type, 0, 0);
}

static void put_plus(struct page *p, const char *name, uint64_t node,
		     uint32_t mode)
{
	put_bytes(p, name, strlen(name), DT_UNKNOWN, node, mode);
}

/* --- what comes out --- */

static struct {
	char names[4096];	/* each with a space behind it */
	uint64_t nodes;		/* sum of those that were taken over */
	uint64_t inos;
	mode_t type;		/* of the last one */
	unsigned count, entries, stop_at;
	int stop_with;
} heard;

static int hear(void *arg, const char *name, uint64_t ino, mode_t type,
		const struct fuse_entry_out *e)
{
	CHECK(arg == &heard);
	CHECK(!e || (e->nodeid > FUSE_ROOT_ID &&
		     type == (e->attr.mode & S_IFMT)));
	if (heard.count < 8) {
		strcat(heard.names, name);
		strcat(heard.names, " ");
	}
	heard.nodes += e ? e->nodeid : 0;
	heard.entries += e != NULL;
	heard.inos += ino;
	heard.type = type;
	return ++heard.count == heard.stop_at ? heard.stop_with : 0;
}

static int list(struct conn *c, bool plus)
{
	unsigned stop_at = heard.stop_at;
	int stop_with = heard.stop_with;

	memset(&heard, 0, sizeof(heard));
	heard.stop_at = stop_at;
	heard.stop_with = stop_with;
	return ask_list(c, GUEST, 6, plus, hear, &heard);
}

static struct conn *new_list(void)
{
	struct conn *c = fake_new();

	memset(&heard, 0, sizeof(heard));
	fake_answer(0, &opened, sizeof(opened));
	return c;
}

static void answer_page(const struct page *p)
{
	fake_answer(0, p->bytes, p->len);
}

static struct fuse_read_in read_of(unsigned n)
{
	struct fuse_read_in in;

	memcpy(&in, fake.sent[n].bytes, sizeof(in));
	return in;
}

/* --- tests --- */

static void lists_pages(void)
{
	struct page first = { 0 }, second = { .off = 70 };
	struct conn *c = new_list();

	put(&first, ".", DT_DIR);
	put(&first, "..", DT_DIR);
	put(&first, "a", DT_REG);
	put(&first, "...", DT_REG);
	put(&second, "eightlng", DT_LNK);
	answer_page(&first);
	answer_page(&second);
	fake_answer(0, NULL, 0);
	CHECK(list(c, false) == 0);
	CHECK(!strcmp(heard.names, "a ... eightlng "));
	CHECK(heard.inos == 102 + 103 + 170 && heard.type == S_IFLNK);
	CHECK(fake_sent(0, FUSE_OPENDIR, 6, sizeof(struct fuse_open_in)));
	for (int i = 1; i < 4; i++)
		CHECK(fake_sent(i, FUSE_READDIR, 6,
				sizeof(struct fuse_read_in)));
	CHECK(read_of(1).fh == 44 && read_of(1).offset == 0);
	CHECK(read_of(1).size == 8192 && fake.sent[1].room == 8192);
	CHECK(read_of(2).offset == 4 && read_of(3).offset == 71);
	CHECK(fake_sent(4, FUSE_RELEASEDIR, 6,
			sizeof(struct fuse_release_in)));
	CHECK(fake.nsent == 5);
	fake_over();
}

static void opens_like_opendir(void)
{
	struct conn *c = new_list();
	struct fuse_open_in in;
	struct fuse_release_in out;

	fake_answer(0, NULL, 0);
	CHECK(list(c, false) == 0 && heard.count == 0);
	memcpy(&in, fake.sent[0].bytes, sizeof(in));
	memcpy(&out, fake.sent[2].bytes, sizeof(out));
	CHECK((in.flags & O_ACCMODE) == O_RDONLY && in.flags & O_DIRECTORY);
	CHECK(in.flags & 0100000);
	CHECK(out.fh == 44 && out.flags == in.flags);
	fake_over();
}

static void asks_for_pages_of_a_good_size(void)
{
	static const struct { uint32_t max_read; size_t want; } size[] = {
		{ 0, 4096 }, { 1, 4096 }, { 4096, 4096 }, { 20000, 20000 },
		{ 32768, 32768 }, { UINT32_MAX, 32768 },
	};

	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		struct conn *c = new_list();

		c->limits.max_read = size[i].max_read;
		CHECK(list(c, false) == 0);
		CHECK(read_of(1).size == size[i].want);
		CHECK(fake.sent[1].room == size[i].want);
		fake_over();
	}
}

/* The callback owns each node it gets; "." and ".." are never counted. */
static void lists_with_attributes(void)
{
	struct page p = { .plus = true };
	struct conn *c = new_list();

	put_plus(&p, ".", 6, S_IFDIR);
	put_plus(&p, "..", 2, S_IFDIR);
	put_plus(&p, "a", 10, S_IFREG | 0644);
	put_bytes(&p, "none", 4, DT_SOCK, 0, 0);
	put_plus(&p, "b", 20, S_IFLNK);
	answer_page(&p);
	fake_answer(0, NULL, 0);
	CHECK(list(c, true) == 0);
	CHECK(!strcmp(heard.names, "a none b "));
	CHECK(heard.nodes == 30 && heard.type == S_IFLNK);
	CHECK(fake_sent(1, FUSE_READDIRPLUS, 6, sizeof(struct fuse_read_in)));
	CHECK(fake.nforgotten == 0);
	fake_over();
}

static void asks_for_attributes_where_it_may(void)
{
	static const struct { uint32_t minor, flags; bool plus; } try[] = {
		{ 38, FUSE_DO_READDIRPLUS, false }, { 38, 0, true },
		{ 20, FUSE_DO_READDIRPLUS, true },
	};

	for (size_t i = 0; i < sizeof(try) / sizeof(try[0]); i++) {
		struct conn *c = new_list();

		c->limits.minor = try[i].minor;
		c->limits.flags = try[i].flags;
		CHECK(list(c, try[i].plus) == 0);
		CHECK(fake.sent[1].opcode == FUSE_READDIR);
		fake_over();
	}
}

/* An entry of no use is given back; its name is there all the same. */
static void gives_back_bad_entries(void)
{
	struct page p = { .plus = true };
	struct conn *c = new_list();

	put_plus(&p, "root", FUSE_ROOT_ID, S_IFDIR);
	put_bytes(&p, "typeless", 8, DT_FIFO, 11, 0);
	answer_page(&p);
	fake_answer(0, NULL, 0);
	CHECK(list(c, true) == 0);
	CHECK(!strcmp(heard.names, "root typeless "));
	CHECK(heard.nodes == 0 && heard.type == S_IFIFO);
	CHECK(fake.nforgotten == 1 && fake_forgot(0, 11));
	fake_over();
}

static void leaves_out_long_names(void)
{
	static const struct { size_t len; int err; unsigned names; } try[] = {
		{ 255, 0, 2 }, { 256, 0, 1 }, { 1024, 0, 1 },
		{ 1025, -EIO, 0 },
	};
	char name[1025];

	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < sizeof(try) / sizeof(try[0]); i++) {
		struct page p = { .plus = true };
		struct conn *c = new_list();

		put_bytes(&p, name, try[i].len, DT_REG, 30, S_IFREG);
		put_plus(&p, "a", 0, 0);
		answer_page(&p);
		CHECK(list(c, true) == try[i].err);
		CHECK(heard.count == try[i].names);
		CHECK(fake.nforgotten == (try[i].len > 255 && !try[i].err));
		fake_over();
	}
}

/* What is behind a bad name is not heard, but given back. */
static void refuses_bad_names(void)
{
	static const struct { const char *name; size_t len; } bad[] = {
		{ "a/b", 3 }, { "/", 1 }, { "../..", 5 }, { "a\0b", 3 },
		{ "", 1 }, { "a", 2 }, { ".\0", 2 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct page p = { .plus = true };
		struct conn *c = new_list();

		put_plus(&p, "good", 40, S_IFREG);
		put_bytes(&p, bad[i].name, bad[i].len, DT_REG, 41, S_IFREG);
		put_plus(&p, ".", 42, S_IFDIR);
		put_plus(&p, "behind", 43, S_IFREG);
		answer_page(&p);
		CHECK(list(c, true) == -EIO);
		CHECK(!strcmp(heard.names, "good ") && heard.nodes == 40);
		CHECK(fake.nforgotten == 2);
		CHECK(fake_forgot(0, 41) && fake_forgot(1, 43));
		CHECK(fake.sent[fake.nsent - 1].opcode == FUSE_RELEASEDIR);
		fake_over();
	}
}

static void refuses_names_of_no_length(void)
{
	struct page p = { 0 }, q = { 0 };
	struct conn *c = new_list();

	put(&p, "good", DT_REG);
	put_bytes(&p, "", 0, DT_REG, 0, 0);
	answer_page(&p);
	CHECK(list(c, false) == -EIO && heard.count == 1);
	fake_over();
	c = new_list();
	put(&q, "x", DT_REG);
	((struct fuse_dirent *)q.bytes)->namelen = UINT32_MAX;
	answer_page(&q);
	CHECK(list(c, false) == -EIO && heard.count == 0);
	fake_over();
}

static void knows_types(void)
{
	static const struct { uint32_t type; mode_t want; } type[] = {
		{ DT_UNKNOWN, 0 }, { DT_REG, S_IFREG }, { DT_SOCK, S_IFSOCK },
		{ DT_WHT, 0 }, { 3, 0 }, { 15, 0 }, { 16 + DT_REG, 0 },
		{ UINT32_MAX, 0 }, { (1u << 20) + DT_DIR, 0 },
	};

	for (size_t i = 0; i < sizeof(type) / sizeof(type[0]); i++) {
		struct page p = { 0 };
		struct conn *c = new_list();

		put(&p, "x", type[i].type);
		answer_page(&p);
		CHECK(list(c, false) == 0 && heard.count == 1);
		CHECK(heard.type == type[i].want);
		fake_over();
	}
}

/* Cut at each place: whole records count, what is cut off does not. */
static void survives_cut_pages(void)
{
	struct page p = { .plus = true };
	size_t record;

	put_plus(&p, "abc", 50, S_IFREG);
	record = p.len;
	put_plus(&p, "def", 50, S_IFREG);
	for (size_t len = 0; len <= p.len; len++) {
		struct conn *c = new_list();
		char *exact = malloc(len + 1);

		memcpy(exact, p.bytes, len);
		fake_answer(0, exact, len);
		CHECK(list(c, true) == 0);
		CHECK(heard.count == len / record);
		CHECK(heard.nodes == 50 * heard.count);
		/* Without a whole record it is not asked again. */
		CHECK(fake.nsent == (len < record ? 3 : 4));
		CHECK(fake.nforgotten == 0);
		fake_over();
		free(exact);
	}
}

/*
 * Bytes at random in a page that is full to its end. No node is paid twice:
 * there are as many at most as the shortest records that fit.
 */
static void survives_mangled_pages(void)
{
	struct page whole = { .plus = true }, p;
	unsigned seed = 1;
	bool good = true;

	while (whole.len + 176 <= 4096)
		put_plus(&whole, "sixteen letters!", whole.off + 2, S_IFREG);
	for (int i = 0; i < 20000; i++) {
		struct conn *c = new_list();

		memcpy(&p, &whole, sizeof(p));
		for (int n = rand_r(&seed) % 8; n >= 0; n--)
			p.bytes[rand_r(&seed) % 4096] = rand_r(&seed);
		c->limits.max_read = 4096;
		fake_answer(0, p.bytes, 4096);
		list(c, true);
		good = good && heard.entries + fake.nforgotten <= 4096 / 160 &&
		       fake.sent[fake.nsent - 1].opcode == FUSE_RELEASEDIR;
		fake_over();
	}
	CHECK(good);
}

static void stops_when_told(void)
{
	struct page p = { .plus = true };
	struct conn *c = new_list();

	put_plus(&p, "a", 60, S_IFREG);
	put_plus(&p, "b", 61, S_IFREG);
	put_plus(&p, "..", 62, S_IFDIR);
	put_plus(&p, "c", 63, S_IFREG);
	put_plus(&p, "no", 0, 0);
	put_plus(&p, "d/", 64, S_IFREG);
	heard.stop_at = 2;
	heard.stop_with = -ENOMEM;
	answer_page(&p);
	CHECK(list(c, true) == -ENOMEM);
	CHECK(heard.nodes == 60 + 61 && fake.nforgotten == 2);
	CHECK(fake_forgot(0, 63) && fake_forgot(1, 64));
	CHECK(fake.nsent == 3);
	fake_over();
}

static void hands_up_errors(void)
{
	struct page p = { 0 };
	struct conn *c = fake_new();

	memset(&heard, 0, sizeof(heard));
	fake_answer(-EACCES, NULL, 0);
	CHECK(list(c, false) == -EACCES && fake.nsent == 1);
	fake_over();
	c = new_list();
	put(&p, "a", DT_REG);
	answer_page(&p);
	fake_answer(-ENOTCONN, NULL, 0);
	CHECK(list(c, false) == -ENOTCONN && heard.count == 1);
	CHECK(fake.nsent == 4);
	fake_over();
}

static void servers_without_opendir(void)
{
	struct page p = { 0 };
	struct conn *c = fake_new();

	memset(&heard, 0, sizeof(heard));
	put(&p, "a", DT_REG);
	fake_answer(-ENOSYS, NULL, 0);
	answer_page(&p);
	fake_answer(0, NULL, 0);
	CHECK(list(c, false) == 0 && heard.count == 1);
	CHECK(read_of(1).fh == 0 && fake.nsent == 3);
	fake_over();
}

/* The same page for ever, whatever is asked for. */
static ssize_t serve_endless(const struct ask *a, char *bytes)
{
	struct fuse_dirent d = { .namelen = 1 };
	size_t record = FUSE_REC_ALIGN(FUSE_NAME_OFFSET + 1), len = 0;

	if (a->opcode == FUSE_OPENDIR) {
		memcpy(bytes, &opened, sizeof(opened));
		return sizeof(opened);
	}
	if (a->opcode != FUSE_READDIR)
		return 0;
	for (; len + record <= a->out[0].iov_len; len += record) {
		memcpy(bytes + len, &d, FUSE_NAME_OFFSET);
		bytes[len + FUSE_NAME_OFFSET] = 'x';
	}
	return len;
}

static void comes_to_an_end(void)
{
	struct conn *c = fake_new();

	memset(&heard, 0, sizeof(heard));
	c->limits.max_read = 32768;
	c->serve = serve_endless;
	CHECK(list(c, false) == -EIO);
	CHECK(heard.count == ENDLESS);
	CHECK(fake.sent[(fake.nsent - 1) % SENT].opcode == FUSE_RELEASEDIR);
	fake_over();
}

int main(void)
{
	lists_pages();
	opens_like_opendir();
	asks_for_pages_of_a_good_size();
	lists_with_attributes();
	asks_for_attributes_where_it_may();
	gives_back_bad_entries();
	leaves_out_long_names();
	refuses_bad_names();
	refuses_names_of_no_length();
	knows_types();
	survives_cut_pages();
	survives_mangled_pages();
	stops_when_told();
	hands_up_errors();
	servers_without_opendir();
	comes_to_an_end();
	return failures != 0;
}
