/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that closed their memory to others: they still reach every name.
 * (What PR_GET_DUMPABLE says afterwards differs in a view, by design.)
 */
#include <sys/prctl.h>

#include "test/lib.h"

static void use_names(void)
{
	struct stat st;
	char buf[4096];

	try(stat("file", &st));
	try(stat("none", &st));
	try_fd(open("file", O_RDONLY | O_CLOEXEC));
	try(access("dir", X_OK));
	try(mkdir("dir/new", 0700));
	try(rmdir("dir/new"));
	try(rename("file", "dir/file"));
	try(rename("dir/file", "file"));
	try(readlink("link", buf, sizeof(buf)));
	try(chdir("dir"));
	say("%s", getcwd(buf, sizeof(buf)) ? strrchr(buf, '/') : "none");
}

static void closed(void)
{
	try(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	use_names();
	execl("/bin/sh", "sh", "-c", "cat ../file; echo from sh", NULL);
}

static void child_of_closed(void)
{
	try(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	in_child("child", use_names);
}

/* Giving up root closes a process too. */
static void dropped(void)
{
	if (geteuid() != 0)
		return;
	try(setresgid(65534, 65534, 65534));
	try(setresuid(65534, 65534, 65534));
	use_names();
}

/* A program one may not read is closed from its start. */
static void unreadable_program(void)
{
	char self[4096] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		fail_errno("exe");
	execl("./copy", "copy", "again", NULL);
	say("exec: %s", error_name(errno));
}

static void copy_self(void)
{
	if (system("cp /proc/$PPID/exe copy && chmod 0111 copy"))
		fail("no copy");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		use_names();
		return 0;
	}
	umask(022);
	make_dir("dir", 0777);
	make_file("file", 0644, "text\n");
	if (symlink("file", "link") < 0)
		fail_errno("symlink");
	copy_self();
	in_child("closed", closed);
	in_child("child of closed", child_of_closed);
	in_child("dropped", dropped);
	in_child("unreadable program", unreadable_program);
	try(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	try(prctl(PR_SET_DUMPABLE, 7, 0, 0, 0));
	return 0;
}
