/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate closes. A process that has one, and asks for a name in a loop,
 * sees what another makes virtual, at once: in each call that begins when
 * the mount has been made. And each call is seen that begins when somebody
 * has begun to trace.
 */
#include <sys/mount.h>
#include <sys/prctl.h>

#include "test/scenario/gate.h"
#include "test/scenario/limits.h"

enum { MOUNTS = 8, WAIT_USEC = 5000000 };

/* What the one who asks says, and is asked. */
static struct asked {
	_Atomic long begun, done;
	_Atomic bool there;		/* the last call's answer */
	_Atomic bool open;		/* the gate, at first */
	char name[64];
} *asked;

static _Noreturn void ask(void)
{
	struct stat st;

	gate_earn();
	asked->open = gate_is_open();
	for (;;) {
		asked->begun++;
		asked->there = !stat(asked->name, &st);
		asked->done++;
	}
}

/* The answer to a call that begins after this. */
static bool answer(void)
{
	const long begun = asked->begun;

	while (asked->done <= begun)
		;
	return asked->there;
}

static pid_t begin(const char *name)
{
	pid_t pid;

	*asked = (struct asked){ 0 };
	strcpy(asked->name, name);
	pid = fork();
	expect(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ask();
	}
	while (asked->done < 100)
		expect(waitpid(pid, NULL, WNOHANG) == 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void told(const char *what, bool there)
{
	if (answer() != there)
		fail("%s: the name is %s there", what, there ? "not" : "still");
}

static void mounts(void)
{
	pid_t pid = begin("point/made");

	told("at first", false);
	if (!asked->open)
		fail("the gate is not open");
	expect(!mount_vufs("source", "point"));
	told("an empty directory is mounted", false);
	expect(!mkdir("point/made", 0700));
	told("made in it", true);
	expect(!rmdir("source/made"));
	told("removed at its source", false);
	expect(!mkdir("source/made", 0700));
	told("made at its source", true);
	expect(!umount_vufs("point", 0));
	told("unmounted", false);
	for (int i = 0; i < MOUNTS; i++) {
		expect(!mount_vufs("source", "point"));
		told("mounted again", true);
		expect(!umount_vufs("point", 0));
		told("unmounted again", false);
	}
	end(pid);
}

/* --- traces: before anything is mounted ------------------------------- */

static bool is_in(const char *path, const char *word)
{
	char command[256];

	snprintf(command, sizeof(command), "grep -sq '%s' %s", word, path);
	return !system(command);
}

static pid_t trace(pid_t pid, const char *path)
{
	char number[16];
	pid_t tracer = fork();

	snprintf(number, sizeof(number), "%d", pid);
	if (!tracer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("vu", "vu", "trace", "-o", path, number, NULL);
		_exit(127);
	}
	return tracer;
}

static void traced(void)
{
	const long until = gate_usec() + WAIT_USEC;
	pid_t pid = begin("none"), tracer;

	if (!asked->open)
		fail("the gate is not open");
	tracer = trace(pid, "trace");
	while (!is_in("trace", "none") && gate_usec() < until)
		gate_nap(20000);
	if (!is_in("trace", "none"))
		fail("its calls are not seen");
	kill(tracer, SIGINT);
	wait_for(tracer);
	end(pid);
}

static bool comes_to_be(bool open)
{
	const long until = gate_usec() + WAIT_USEC;

	while (gate_is_open() != open)
		if (gate_usec() > until)
			return false;
	return true;
}

/* When the last tracer has gone nobody needs to see them. */
static void opens_again(void)
{
	pid_t tracer;

	gate_earn();
	expect(gate_is_open());
	tracer = trace(getpid(), "trace.self");
	if (!comes_to_be(false))
		fail("it is traced, and the gate is open");
	kill(tracer, SIGINT);
	wait_for(tracer);
	if (!comes_to_be(true))
		fail("it is not traced any more, and the gate is closed");
}

static void inside(void)
{
	asked = gate_shared(sizeof(*asked));
	make_dir("source", 0755);
	make_dir("point", 0755);
	gate_in_child("traced", traced);
	gate_in_child("traced, and no more", opens_again);
	gate_in_child("mounts", mounts);
}

int main(int argc, char **argv)
{
	return gate_view(argc, argv, inside);
}
