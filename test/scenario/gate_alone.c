/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * The gate in directories that copy on write has made: that nothing is there is
 * said unseen, and what is there found, as long as it is so.
 */
#include <limits.h>
#include <sys/xattr.h>

#include "test/scenario/gate_names.h"

static bool vstat;

static void settle(void)
{
	gate_nap(150000);
}

static int mount_cow(const char *options)
{
	char *const argv[] = { "vumount", "-t", "vufs", "-o", (char *)options,
			       "store", "target", NULL };

	return run_tool(argv);
}

/* It is learned by a call that has to be seen. */
static void learn(const char *dir)
{
	char *name;

	asprintf(&name, "%s/learn", dir);
	for (int i = 0; i < (gate_is_there() ? 2 : WARM); i++) {
		expect(!mkdir(name, 0755) && !rmdir(name));
		size_of(name);
	}
	free(name);
}

/* What was learned is forgotten after a while: one of a few times it is there. */
#define unasked(call) do {						\
	long n = PROBE;							\
									\
	for (int i = 0; i < 20 && n > PROBE / 4; i++) {			\
		learn(abs_name("target/new"));				\
		n = switches();						\
		for (int j = 0; j < PROBE; j++)				\
			(void)!(call);					\
		n = switches() - n;					\
	}								\
	if (n > PROBE / 4)						\
		fail("is seen: %s", #call);				\
} while (0)

#define unasked_open(call) do {						\
	if (!in_cage())							\
		unasked(call);						\
} while (0)

static void unseen(void)
{
	/* a name that was ever special is asked for */
	char *none = strdup(abs_name(vstat ? "target/new/nought"
					   : "target/new/none"));
	char *other = strdup(abs_name("target/new/other"));
	char *file = strdup(abs_name("target/new/file")), buf[8];
	struct stat st;

	settle();
	learn(abs_name("target/new"));
	if (!gate_is_there())
		fail("no gate");
	unasked(stat(none, &st));
	unasked(lstat(none, &st));
	unasked(rmdir(none));
	unasked(unlink(none));
	unasked(rename(none, other));
	unasked(readlink(none, buf, sizeof(buf)));
	unasked_open(open(none, O_RDONLY));
	expect(rmdir(none) && errno == ENOENT);
	expect(unlink(none) && errno == ENOENT);
	expect(rename(none, other) && errno == ENOENT);
	if (!vstat) {
		unasked(stat(file, &st));
		unasked_open(close(open(file, O_RDONLY)));
	}
	expect(!stat(file, &st) && st.st_size == MOUNTED_SIZE);
	free(none);
	free(other);
	free(file);
}

/* What is odd is asked, and answered as the kernel would. */
static void odd(void)
{
	char *none = strdup(abs_name("target/new/none")), longer[PATH_MAX];
	struct stat st;
	char *far = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	learn(abs_name("target/new"));
	expect(far != MAP_FAILED && !munmap(far + 8192, 4096));
	for (int i = 0; i < 3; i++) {
		expect(rename(none, NULL) && errno == EFAULT);
		expect(rename(NULL, none) && errno == EFAULT);
		expect(rename(none, far + 8192) && errno == EFAULT);
		memset(far + 8192 - 8, '/', 8);
		expect(rename(none, far + 8192 - 8) && errno == EFAULT);
		/* ends where its page does, and over two pages */
		strcpy(far + 8192 - strlen(none) - 1, none);
		expect(rename(far + 8192 - strlen(none) - 1,
			      abs_name("target/new/other")) && errno == ENOENT);
		strcpy(far + 4096 - 9, none);
		expect(rename(far + 4096 - 9, abs_name("target/new/other")) &&
		       errno == ENOENT);
		expect(rmdir(far + 4096 - 9) && errno == ENOENT);
		expect(rename(none, abs_name("plain/none")) && errno == EXDEV);
		expect(rename(none, abs_name("target/none/none")) &&
		       errno == ENOENT);
		expect(rename(none, abs_name("target/new/file/x")) &&
		       errno == ENOTDIR);
		expect(rename(none, none) && errno == ENOENT);
		expect(rmdir(abs_name("target/new/none/")) && errno == ENOENT);
		expect(rmdir(abs_name("target/new/.")) && errno == EINVAL);
		snprintf(longer, sizeof(longer), "%s%0300d", none, 0);
		expect(unlink(longer) && errno == ENAMETOOLONG);
		expect(stat(longer, &st) && errno == ENAMETOOLONG);
		expect(rmdir(abs_name("target/new/file")) && errno == ENOTDIR);
		expect(unlink(abs_name("target/new/none/x")) && errno == ENOENT);
	}
	expect(!munmap(far, 8192));
	free(none);
}

/* What others do is seen at once. */
static void changes(void)
{
	char *none = strdup(abs_name("target/new/none"));

	for (int i = 0; i < 3; i++) {
		learn(abs_name("target/new"));
		is("none", none, -ENOENT);
		sh("printf 12345 >target/new/none");
		is("made", none, 5);
		sh("mv target/new/none target/new/was");
		is("moved", none, -ENOENT);
		is("there", abs_name("target/new/was"), 5);
		learn(abs_name("target/new"));
		sh("mv target/new target/later && ln -s later target/new");
		is("by a symlink", abs_name("target/new/was"), 5);
		sh("rm target/new && mkdir target/new");
		is("another directory", abs_name("target/new/was"), -ENOENT);
		sh("rmdir target/new && mv target/later target/new");
		learn(abs_name("target/new"));
		is("again", abs_name("target/new/was"), 5);
		/* the target's own, under a name in it */
		sh("mv target/old target/new/none");
		is("from the target", none, MOUNTED_SIZE);
		sh("mv target/new/none target/old; rm target/new/was");
		is("and back", none, -ENOENT);
	}
	free(none);
}

/* What is told counts, not what the kernel has. */
static void told(void)
{
	char *file = strdup(abs_name("target/new/file"));
	struct stat st;

	sh("mkdir -p target/new/sub; printf 1 >target/new/sub/inner");
	for (int i = 0; i < 3; i++) {
		learn(abs_name("target/new"));
		learn(abs_name("target/new/sub"));
		sh("chmod 4711 target/new/file");
		expect(!stat(file, &st) && (st.st_mode & 07777) == 04711);
		sh("ln target/new/file target/new/second");
		expect(!stat(file, &st) && st.st_nlink == 2);
		expect(!unlink(abs_name("target/new/second")));
		expect(!stat(file, &st) && st.st_nlink == 1);
		sh("chmod 644 target/new/file; touch -d @1000 target/new/file");
		expect(!stat(file, &st) && st.st_mtime == 1000);
		if (vstat && !getuid()) {
			sh("chown 33:44 target/new/file");
			expect(!stat(file, &st) && st.st_uid == 33 &&
			       st.st_gid == 44);
			sh("chown 0:0 target/new/file");
			expect(!stat(file, &st) && !st.st_uid && !st.st_gid);
		}
		if (getuid() || vstat)
			continue;
		learn(abs_name("target/new/sub"));
		sh("chmod 0 target/new/sub");
		expect(!stat(abs_name("target/new/sub/inner"), &st));
		sh("chmod 755 target/new/sub");
	}
	free(file);
}

/* Who may not search a directory is not told what is not there. */
static void shut(void)
{
	char *none = strdup(abs_name("target/new/sub/none"));

	for (int i = 0; i < 3 && getuid() && !vstat; i++) {
		learn(abs_name("target/new/sub"));
		expect(rmdir(none) && errno == ENOENT);
		sh("chmod 0 target/new/sub");
		expect(rmdir(none) && errno == EACCES);
		is("shut", none, -EACCES);
		sh("chmod 755 target/new/sub");
	}
	free(none);
}

/* A name of the view is not another's. */
static void mounts(void)
{
	char *file = strdup(abs_name("target/new/sub/inner"));

	for (int i = 0; i < 3; i++) {
		learn(abs_name("target/new/sub"));
		is("inner", file, 1);
		expect(!mount_vufs("plain", "target/new/sub"));
		is("covered", file, -ENOENT);
		is("of the other", abs_name("target/new/sub/file"), NATIVE_SIZE);
		expect(!umount_vufs("target/new/sub", 0));
		is("uncovered", file, 1);
	}
	free(file);
}

static void all(const char *options)
{
	sh("rm -rf store; mkdir store");
	vstat = strstr(options, "vstat");
	expect(!mount_cow(options));
	sh("mkdir target/new && printf mounted >target/new/file");
	unseen();
	odd();
	changes();
	told();
	shut();
	mounts();
	expect(!umount_vufs("target", 0));
}

static void inside(void)
{
	expect(getcwd(here, sizeof(here)));
	make_dir("target", 0755);
	make_file("target/old", 0644, "mounted");
	make_dir("plain", 0755);
	make_file("plain/file", 0644, "native");
	all("cow");
	all("cow,vstat");
}

int main(int argc, char **argv)
{
	return gate_view(argc, argv, inside);
}
