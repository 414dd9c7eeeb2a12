/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of mount types: what a file may say and what is wrong with it,
 * which row a name finds, and what becomes of options.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "test/unit/tools_tap.h"
#include "tools/fsmount_options.c"
#include "tools/fsmount_place.c"
#undef PREFIX
#include "tools/fsmount_program.c"
#include "tools/fstypes.c"
#include "tools/fstypes_files.c"
#include "tools/mountopt.c"
#include "tools/tool.c"

static int parse(struct fstypes *t, const char *text)
{
	return fstypes_parse(t, "file", text, strlen(text));
}

/* --- files --------------------------------------------------------------- */

static void test_row(void)
{
	struct fstypes t = { 0 };
	const struct fstype *r;

	tap_ok(parse(&t, "# a comment\n\n type\tone  \n\talias a  b\n"
		     "run prog -x %S %T %O\t\n  alias c\nro x,y\n"
		     "package p\n   # another\nterminal yes") == 0 &&
	       t.n == 1, "a row");
	r = fstypes_find(&t, "one");
	tap_ok(r != NULL, "is found");
	if (!r)
		return;
	tap_same(fstype_value(r, FSTYPE_RUN), "prog -x %S %T %O", "run");
	tap_same(fstype_value(r, FSTYPE_ALIAS), "a  b c", "aliases add up");
	tap_same(fstype_value(r, FSTYPE_RO), "x,y", "ro");
	tap_same(fstype_value(r, FSTYPE_UID), "uid=%U", "a default");
	tap_ok(fstype_flag(r, FSTYPE_TERMINAL) &&
	       !fstype_flag(r, FSTYPE_FOREGROUND), "flags");
	tap_ok(fstype_source(r) == SOURCE_FILE &&
	       fstype_access(r) == ACCESS_WRITE, "words of a few");
	tap_ok(fstypes_find(&t, "c") == r && fstypes_find(&t, "vufuseb") == r &&
	       fstypes_find(&t, "umfuseone") == r, "other names");
	tap_ok(!fstypes_find(&t, "") && !fstypes_find(&t, "vufuse") &&
	       !fstypes_find(&t, "on") && !fstypes_find(&t, "a  b") &&
	       !fstypes_find(&t, "vufusevufuseone"), "and none");
	fstypes_clear(&t);
}

static void test_override(void)
{
	struct fstypes t = { 0 };

	parse(&t, "type a\nalias x y\nrun one %T\nro q\ntype b\nrun two %T\n");
	parse(&t, "type a\nrun three %T\n");
	tap_same(fstype_value(fstypes_find(&t, "a"), FSTYPE_RUN), "three %T",
		 "a later row wins");
	tap_same(fstype_value(fstypes_find(&t, "a"), FSTYPE_RO), "ro",
		 "as a whole");
	tap_same(fstype_value(fstypes_find(&t, "b"), FSTYPE_RUN), "two %T",
		 "others stay");
	tap_ok(parse(&t, "type a\nrun four %T\ntype b\nrun %T\n") == -EINVAL,
	       "a wrong file");
	tap_same(fstype_value(fstypes_find(&t, "a"), FSTYPE_RUN), "three %T",
		 "adds nothing");
	fstypes_clear(&t);
}

#define ROW "type a\nrun p %T\n"

static const struct {
	const char *text, *error;
} wrong_case[] = {
	{ "run p %T\n", "file:1: no line \"type\" before this one" },
	{ "type a\n", "file:1: type a: no line \"run\"" },
	{ "type a\ntype b\nrun p %T\n", "file:2: type a: no line \"run\"" },
	{ "type\nrun p %T\n", "file:1: type: : not a name" },
	{ "type a b\n", "file:1: type: a b: not a name" },
	{ "type ../x\n", "file:1: type: ../x: not a name" },
	{ "type -o\n", "file:1: type: -o: not a name" },
	{ "type a23456789012345678901234567890123\n",
	  "file:1: type: a23456789012345678901234567890123: not a name" },
	{ ROW "bogus x\n", "file:3: bogus: unknown word" },
	{ ROW "run q %T\n", "file:3: run: twice in a row" },
	{ ROW "source image\n", "file:3: source: image: not a value of it" },
	{ ROW "access\n", "file:3: access: : not a value of it" },
	{ ROW "terminal maybe\n",
	  "file:3: terminal: maybe: not a value of it" },
	{ ROW "ro a%S,%X\n", "file:3: ro: a%S,%X: a % that is not %S, %U, %G "
	  "or %%" },
	{ ROW "ro %\n", "file:3: ro: %: a % that is not %S, %U, %G or %%" },
	{ ROW "alias x y/z\n", "file:3: alias: y/z: not a name" },
	{ ROW "magic 0:zz\n", "file:3: magic: 0:zz: not OFFSET:HEX" },
	{ ROW "magic 0:123\n", "file:3: magic: 0:123: not OFFSET:HEX" },
	{ ROW "magic -1:12\n", "file:3: magic: -1:12: not OFFSET:HEX" },
	{ ROW "magic 99999999999:12\n",
	  "file:3: magic: 99999999999:12: not OFFSET:HEX" },
	{ ROW "magic 12\n", "file:3: magic: 12: not OFFSET:HEX" },
	{ ROW "magic 1:\n", "file:3: magic: 1:: not OFFSET:HEX" },
	{ "type a\nrun p %S\n", "file:2: run: the word %T is missing" },
	{ "type a\nrun\n", "file:2: run: the word %T is missing" },
	{ "type a\nrun %T %S\n", "file:2: run: %T: only %S, %T and %O, as "
	  "words, each once" },
	{ "type a\nrun p %T -o%O\n", "file:2: run: -o%O: only %S, %T and %O, "
	  "as words, each once" },
	{ "type a\nrun p %T %T\n", "file:2: run: %T: only %S, %T and %O, as "
	  "words, each once" },
	{ "type a\nrun p %T %s\n", "file:2: run: %s: only %S, %T and %O, as "
	  "words, each once" },
	{ ROW "\x1b[2Jx\n", "file:3: a control character" },
	{ "type a\r\n", "file:1: a control character" },
};

static void test_wrong(void)
{
	size_t n = sizeof(wrong_case) / sizeof(wrong_case[0]);

	for (size_t i = 0; i < n; i++) {
		struct fstypes t = { 0 };

		tap_ok(parse(&t, wrong_case[i].text) == -EINVAL && !t.n,
		       wrong_case[i].error);
		tap_same(t.error, wrong_case[i].error, "its message");
		fstypes_clear(&t);
	}
}

/* Text made of a piece many times, behind a beginning. */
static int parse_many(struct fstypes *t, const char *begin, const char *piece,
		      int n)
{
	size_t size = strlen(begin) + strlen(piece) * n + 1;
	char *text = tool_resize(NULL, size, 1), *at;
	int err;

	at = stpcpy(text, begin);
	while (n--)
		at = stpcpy(at, piece);
	err = fstypes_parse(t, "file", text, at - text);
	free(text);
	return err;
}

static void test_hostile(void)
{
	struct fstypes t = { 0 };
	static const char nul[] = ROW "alias x\0y\n";

	tap_ok(fstypes_parse(&t, "file", nul, sizeof(nul) - 1) == -EINVAL,
	       "a NUL");
	tap_ok(parse_many(&t, ROW "alias ", "x", 5000) == -EINVAL,
	       "a line without an end");
	tap_ok(parse_many(&t, ROW, "alias xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
			  1000) == -EINVAL, "too many aliases");
	tap_ok(parse_many(&t, "", ROW, 257) == -EINVAL, "too many rows");
	tap_ok(parse_many(&t, "type a\nrun p %T", " x", 70) == -EINVAL,
	       "too many words");
	tap_ok(parse_many(&t, "type a\nrun p %T", " x", 62) == 0,
	       "just as many as may be");
	tap_ok(parse_many(&t, "", ROW, 256) == -EINVAL, "all files together");
	tap_ok(parse(&t, "") == 0 && parse(&t, "\n\n#") == 0, "nothing");
	fstypes_clear(&t);
}

/* Whatever is cut or changed: an answer, and a table as it was or whole. */
static void test_flips(void)
{
	static const char good[] = ROW "magic 0:00ff 3:12\nro %S,x\n"
		"alias q w\nname *.x\n";
	bool right = true;

	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		for (int c = 0; c < 256; c++) {
			struct fstypes t = { 0 };
			char text[sizeof(good)];
			int err;

			memcpy(text, good, sizeof(good));
			text[i] = c;
			err = fstypes_parse(&t, "f", text, sizeof(good) - 1);
			right = right && (err ? !t.n && t.error[0] : t.n <= 2);
			fstypes_clear(&t);
		}
	}
	tap_ok(right, "every byte in every place");
}

static void put_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		tap_ok(false, path);
	if (fd >= 0)
		close(fd);
}

static void test_read(void)
{
	struct fstypes t = { 0 };

	put_file("types", ROW, 0600);
	tap_ok(fstypes_read(&t, "types") == 0 && t.n == 1, "a file");
	tap_ok(fstypes_read(&t, "none") == -ENOENT, "that is not there");
	tap_same(t.error, "none: No such file or directory", "its message");
	tap_ok(fstypes_read(&t, ".") == -EISDIR, "a directory");
	mkfifo("fifo", 0600);
	tap_ok(fstypes_read(&t, "fifo") == -EINVAL, "a pipe");
	tap_ok(fstypes_read(&t, "/dev/zero") == -EINVAL, "no end");
	put_file("types", "", 0600);
	tap_ok(truncate("types", 300000) == 0 &&
	       fstypes_read(&t, "types") == -EFBIG, "far too long");
	tap_ok(t.n == 1, "none of them adds anything");
	fstypes_clear(&t);
	unlink("types");
	unlink("fifo");
}

/* The file that is shipped, and what is promised of it. */
static void test_shipped(void)
{
	static const char *const promised[] = {
		"ext2", "ext3", "ext4", "iso9660", "fat", "vfat", "exfat",
		"ntfs", "squashfs", "zip", "tar", "ssh", "encfs", "gocryptfs",
		"null", "real", "umfuseext2", "umfuseiso9660", "umfusefat",
		"umfusessh", "umfuseencfs", "umfusentfs-3g",
		"umfusearchivemount", "vufusereal", NULL
	};
	const char *top = getenv("TOP");
	struct fstypes t = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/share/fuse.types", top ? top : ".");
	tap_ok(fstypes_read(&t, path) == 0, "the shipped table");
	for (int i = 0; promised[i]; i++)
		tap_ok(fstypes_find(&t, promised[i]) != NULL, promised[i]);
	for (size_t i = 0; i < t.n; i++)
		tap_ok(fstypes_find(&t, t.row[i].name) == &t.row[i] &&
		       *fstype_value(&t.row[i], FSTYPE_PACKAGE),
		       t.row[i].name);
	fstypes_clear(&t);
}

/* --- options ------------------------------------------------------------- */

static const struct {
	const char *row, *options, *source;
	bool writable;
	const char *list;	/* or the message */
} option_case[] = {
	{ "", "", "/i", true, "" },
	{ "", "ro", "/i", true, "ro" },
	{ "", "rw+", "/i", true, "" },
	{ "", "", "/i", false, "ro" },
	{ "", "rw+", "/i", false, "! rw+: the source is write-protected" },
	{ "", "ro,rw+", "/i", true, "! rw+: not with ro" },
	{ "access read\n", "", "/i", true, "ro" },
	{ "access read\n", "rw+", "/i", true,
	  "! rw+: not by this type, which is read-only" },
	{ "access careful\nrw rw+\n", "", "/i", true, "ro" },
	{ "access careful\nrw rw+\n", "rw+", "/i", true, "rw+" },
	{ "always fsname=%S,100%%\n", "x", "/a,b\\c", true,
	  "fsname=/a\\,b\\\\c,100%,x" },
	{ "omnipotent fakeroot\n", "", "/i", true, "fakeroot" },
	{ "omnipotent fakeroot\n", "human", "/i", true,
	  "default_permissions" },
	{ "human -\n", "human", "/i", true, "! human: not by this type" },
	{ "", "uid=5,gid=6", "/i", true, "uid=5,gid=6" },
	{ "", "fuseuid=5", "/i", true, "uid=5" },
	{ "uid o=%U:%G\ngid o=%U:%G\n", "fusegid=6,uid=5", "/i", true,
	  "o=5:6" },
	{ "gid -\n", "gid=6", "/i", true,
	  "! uid=, gid=: not by this type" },
	{ "", "uid=", "/i", true, "! uid=: not a number" },
	{ "", "uid", "/i", true, "! uid: not a number" },
	{ "", "uid=-1", "/i", true, "! uid=-1: not a number" },
	{ "", "gid=4294967295", "/i", true, "! gid=4294967295: not a number" },
	{ "", "gid=99999999999999999999", "/i", true,
	  "! gid=99999999999999999999: not a number" },
	{ "", "uid=4294967294", "/i", true, "uid=4294967294" },
	{ "", "except=/a,big,except=/b\\,c", "/i", true, "big" },
	{ "", "except=a", "/i", true, "! except=a: must begin with / and "
	  "name something below the target" },
	{ "", "merge", "/i", true, "! merge: not by this type" },
	{ "", "exceptional,uids=3", "/i", true, "exceptional,uids=3" },
	{ "", "bind", "/i", true, "! bind: not by this type" },
	{ "", "noexec,nosuid,nodev,noatime,sync,a=\\,b,c", "/i", true,
	  "noexec,sync,noatime,a=\\,b,c" },
	{ "rw big\n", "ro,rw,q", "/i", true, "big,q" },
};

static void test_option(size_t i, const char **got, char *list)
{
	struct fstypes t = { 0 };
	struct mount_options o = { 0 };
	struct fsmount_wish w;
	char text[512];

	snprintf(text, sizeof(text), "%s%s", ROW, option_case[i].row);
	tap_ok(parse(&t, text) == 0 && t.n == 1 &&
	       mount_options_add(&o, option_case[i].options) == 0,
	       option_case[i].options);
	if (!fsmount_wish_read(&w, &o) &&
	    !fsmount_wish_settle(&w, &t.row[0], option_case[i].writable) &&
	    !fsmount_list(&w, &t.row[0], option_case[i].source, list))
		*got = list;
	else
		snprintf(list, FSMOUNT_LIST_SIZE, "! %s", w.refused);
	fstypes_clear(&t);
}

static void test_options(void)
{
	size_t n = sizeof(option_case) / sizeof(option_case[0]);
	static char list[FSMOUNT_LIST_SIZE];

	for (size_t i = 0; i < n; i++) {
		const char *got = list;

		test_option(i, &got, list);
		tap_same(got, option_case[i].list, "the list");
	}
}

static void test_full_list(void)
{
	struct fstypes t = { 0 };
	struct mount_options o = { 0 };
	struct fsmount_wish w;
	char source[PATH_MAX * 5];
	static char list[FSMOUNT_LIST_SIZE];

	memset(o.data, 'x', sizeof(o.data) - 1);
	tap_ok(fsmount_wish_read(&w, &o) == 0 &&
	       strlen(w.rest) == sizeof(o.data) - 1, "a page of options");
	parse(&t, ROW "always fsname=%S\n");
	memset(source, ',', sizeof(source));
	source[sizeof(source) - 1] = '\0';
	tap_ok(fsmount_list(&w, &t.row[0], source, list) == -E2BIG,
	       "a list that is too long");
	source[PATH_MAX - 1] = '\0';
	tap_ok(fsmount_list(&w, &t.row[0], source, list) == 0,
	       "the longest name, all commas");
	fstypes_clear(&t);
}

/* --- programs and places -------------------------------------------------- */

/* This test's own program is in its own directory, and in no PATH. */
static void test_beside(void)
{
	char own[PATH_MAX], row[PATH_MAX], called[64], *slash;
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	struct fstypes t = { 0 };
	struct fsmount_program p;

	own[n > 0 ? n : 0] = '\0';
	slash = strrchr(own, '/');
	snprintf(row, sizeof(row), "type a\nrun %.60s %%T\n",
		 slash ? slash + 1 : "");
	parse(&t, row);
	setenv("PATH", "/x", 1);
	tap_ok(t.n == 1 &&
	       fsmount_program_find(&t.row[0], &p, called, 64) == 0,
	       "from where our program is");
	tap_same(p.path, own, "that one");
	fstypes_clear(&t);
}

static void test_program(void)
{
	static char source[] = "/s", target[] = "/t", list[] = "a,b",
		    none[] = "";
	struct fstypes t = { 0 };
	struct fsmount_program p;
	char called[64], dir[PATH_MAX], path[PATH_MAX + 8];

	parse(&t, "type a\nrun prog-of-ours -x %O %S %T y\n");
	fsmount_program_words(&t.row[0], &p, source, target, list);
	tap_ok(!strcmp(p.word[1], "-x") && !strcmp(p.word[2], "-o") &&
	       p.word[3] == list && p.word[4] == source &&
	       p.word[5] == target && !strcmp(p.word[6], "y") && !p.word[7],
	       "words");
	fsmount_program_words(&t.row[0], &p, source, target, none);
	tap_ok(p.word[2] == source && !p.word[5], "no options, no -o");
	put_file("prog-of-ours", "#!/bin/sh\n", 0700);
	setenv("PATH", ":.:", 1);
	tap_ok(fsmount_program_find(&t.row[0], &p, called, 64) == -ENOENT,
	       "not from where we are");
	snprintf(path, sizeof(path), "/x::%s", getcwd(dir, sizeof(dir)));
	setenv("PATH", path, 1);
	tap_ok(fsmount_program_find(&t.row[0], &p, called, 64) == 0,
	       "from PATH");
	tap_same(called, "prog-of-ours", "its name");
	test_beside();
	chmod("prog-of-ours", 0600);
	tap_ok(fsmount_program_find(&t.row[0], &p, called, 64) == -ENOENT,
	       "not what is no program");
	unlink("prog-of-ours");
	fstypes_clear(&t);
}

static void test_place(void)
{
	char dir[PATH_MAX], a[PATH_MAX], b[PATH_MAX], other[] = "vu-mnt-other";
	char wanted[PATH_MAX + 32];
	int lock, second;

	setenv("TMPDIR", getcwd(dir, sizeof(dir)), 1);
	unsetenv("XDG_RUNTIME_DIR");
	tap_ok(!fsmount_place_make("me@host:a/b\n c/", a, sizeof(a), &lock) &&
	       !fsmount_place_make("x/b\n c", b, sizeof(b), &second),
	       "two places");
	snprintf(wanted, sizeof(wanted), "%s/vu-mnt-b__c", dir);
	tap_same(a, wanted, "the first");
	snprintf(wanted, sizeof(wanted), "%s/vu-mnt-b__c-2", dir);
	tap_same(b, wanted, "the second is another");
	close(second);
	tap_ok(!fsmount_place_make("b\n c", b, sizeof(b), &second) &&
	       !strcmp(b, wanted), "one that nobody has is taken");
	close(second);
	snprintf(wanted, sizeof(wanted), "%s/x", b);
	mkdir(wanted, 0700);
	tap_ok(!fsmount_place_make("b\n c", a, sizeof(a), &second) &&
	       !strcmp(a + strlen(a) - 2, "-3"), "but not with something in it");
	close(second);
	rmdir(wanted);
	rmdir(a);
	close(lock);
	tap_ok(!fsmount_place_make("b\n c", a, sizeof(a), &lock), "the first");
	close(lock);
	snprintf(wanted, sizeof(wanted), "%s/x", a);
	mkdir(wanted, 0700);
	fsmount_place_remove(a);
	tap_ok(!access(a, F_OK), "one that is used stays");
	rmdir(wanted);
	fsmount_place_remove(a);
	fsmount_place_remove(b);
	tap_ok(access(a, F_OK) && access(b, F_OK), "both are removed");
	tap_ok(!fsmount_place_make("/", a, sizeof(a), &lock), "for a root");
	close(lock);
	fsmount_place_remove(a);
	mkdir("sub", 0700);
	mkdir("sub/vu-mnt-x", 0700);
	snprintf(wanted, sizeof(wanted), "%s/sub/vu-mnt-x", dir);
	fsmount_place_remove(wanted);
	fsmount_place_remove(other);
	tap_ok(!access(wanted, F_OK), "not ours: stays");
	rmdir("sub/vu-mnt-x");
	rmdir("sub");
}

int main(void)
{
	test_row();
	test_override();
	test_wrong();
	test_hostile();
	test_flips();
	test_read();
	test_shipped();
	test_options();
	test_full_list();
	test_program();
	test_place();
	return tap_end();
}
