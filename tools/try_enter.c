/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vu try starts umvu, which starts vu try once more inside of the view:
 *
 *	vu try --enter NET OPTIONS STORE COMMAND...
 *
 * There the store is mounted over the root, and all that is mounted there, and
 * then hidden: what is in it is for us to write. What is found under the
 * working directory's name afterwards is the working directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/command.h"
#include "lib/strbuf.h"
#include "tools/model.h"
#include "tools/run.h"
#include "tools/session.h"
#include "tools/tool.h"
#include "tools/try.h"

/* --- inside -------------------------------------------------------------- */

static int write_map(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -errno : 0;
}

/*
 * A network of no network: not even the loopback device is up in it. Who may
 * not have one may in a name space of users of his own, as himself.
 */
static int leave_network(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];
	int err;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -errno;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	err = write_map("/proc/self/uid_map", map);
	if (!err)
		err = write_map("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return err ? err : write_map("/proc/self/gid_map", map);
}

/* Is the mount point one of the exceptions, or below one? */
static bool is_excepted(const char *options, const char *target)
{
	static const char word[] = "except=";

	for (const char *s = strstr(options, word); s; s = strstr(s, word)) {
		size_t len;

		s += sizeof(word) - 1;
		len = strcspn(s, ",");
		if (!strncmp(s, target, len) &&
		    (!target[len] || target[len] == '/'))
			return true;
	}
	return false;
}

/* Is one of the words (",word,") among the options? */
static bool has_word(const char *options, const char *const *word)
{
	char *list = NULL;
	bool found = false;

	if (asprintf(&list, ",%s,", options) < 0)
		return false;
	for (; *word && !found; word++)
		found = strstr(list, *word);
	free(list);
	return found;
}

/*
 * What is copied on write in the view that we were started in is so once more.
 * Other mounts are seen, and the monitor lets nobody change what they hold.
 */
static bool is_only_seen(const struct record *r, const char *options)
{
	static const char *const other[] = { ",cow,", ",mincow,", ",merge,",
					     ",hide,", ",ro,", NULL };
	const char *target = record_text(r, MOUNT_TARGET);

	/* what loading a module has mounted is its own */
	if (!strcmp(record_text(r, MOUNT_SOURCE), record_text(r, MOUNT_MODULE)))
		return false;
	return target[1] && !is_excepted(options, target) &&
	       !has_word(record_text(r, MOUNT_OPTIONS), other);
}

static void tell_mounts(const char *name, const struct model *m,
			const char *options)
{
	const struct record_list *mounts = &m->list[KIND_MOUNT];
	unsigned long view = 0;

	if (m->list[KIND_INFO].n)
		view = record_number(m->list[KIND_INFO].record, INFO_VIEW);
	for (size_t i = 0; i < mounts->n; i++) {
		const struct record *r = &mounts->record[i];
		const char *target = record_text(r, MOUNT_TARGET);

		if (record_number(r, MOUNT_VIEW) == view &&
		    is_only_seen(r, options))
			tool_error(name, "%s is mounted in this view: it can "
				   "be seen, but not be changed (with -x %s, "
				   "for real)", target, target);
	}
}

static int check_mounts(const char *name, int fd, const char *options)
{
	struct model m = { 0 };
	int status = model_fetch(name, fd, &m);

	if (status == TOOL_OK)
		tell_mounts(name, &m, options);
	model_clear(&m);
	return status;
}

static int mount_store(const char *name, const char *options,
		       const char *store)
{
	struct session_request over = {
		.word = { "mount", "vufs", store, "/", options, "0" },
	};
	struct session_request hide = {
		.word = { "mount", "vufs", "none", store,
			  "hide,permanent", "0" },
	};
	int status = TOOL_OK;
	int fd = session_open(name, &status);

	if (fd < 0)
		return status;
	status = check_mounts(name, fd, options);
	if (status == TOOL_OK)
		status = session_ask(name, fd, &over);
	if (status == TOOL_OK)
		status = session_ask(name, fd, &hide);
	close(fd);
	return status;
}

int try_enter(const char *name, int argc, char **argv)
{
	char cwd[PATH_MAX];
	bool there = getcwd(cwd, sizeof(cwd)) && *cwd == '/';
	int err;

	if (argc < 4)
		return TOOL_MISUSED;
	if (!strcmp(argv[0], "none")) {
		err = leave_network();
		if (err) {
			tool_error(name, "--net none: no network name space "
				   "can be had here: %s", strerror(-err));
			return TRY_NO_VIEW;
		}
	}
	if (mount_store(name, argv[1], argv[2]) != TOOL_OK)
		return TRY_NO_VIEW;
	if (!there || chdir(cwd) < 0)
		(void)!chdir("/");
	err = command_execute(argv + 3);
	tool_error(name, "%s: %s", argv[3], strerror(-err));
	return command_status(err);
}

/* --- outside ------------------------------------------------------------- */

static char *mount_options(const struct trial *t)
{
	struct strbuf list = { 0 };

	strbuf_puts(&list, "cow,cover,permanent");
	for (unsigned i = 0; i < t->nexcept; i++)
		strbuf_printf(&list, ",except=%s", t->except[i]);
	if (list.failed) {
		fputs("vu: out of memory\n", stderr);
		exit(TOOL_FAILED);
	}
	return list.data;
}

static int count(char **list)
{
	int n = 0;

	while (list[n])
		n++;
	return n;
}

static int start(const struct trial *t)
{
	static char self[PATH_MAX];
	int n = count(t->command), k = 0;
	char **argv = tool_resize(NULL, n + 16, sizeof(*argv));
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0) {
		tool_error(t->name, "/proc/self/exe: %s", strerror(errno));
		return TRY_NO_VIEW;
	}
	self[len] = '\0';
	k++;			/* the name of umvu */
	argv[k++] = (char *)"-N";
	argv[k++] = (char *)"-m";
	argv[k++] = (char *)"vufs";
	argv[k++] = (char *)"--";
	argv[k++] = self;
	argv[k++] = (char *)"try";
	argv[k++] = (char *)TRY_ENTER;
	argv[k++] = (char *)(t->no_net ? "none" : "all");
	argv[k++] = mount_options(t);
	argv[k++] = t->store;
	memcpy(argv + k, t->command, (n + 1) * sizeof(*argv));
	return run_umvu(t->name, argv);
}

/*
 * What ends us ends the view, and we see to what it has left; interrupts of
 * the terminal are for the command.
 */
static void catch(sigset_t *set, sigset_t *old)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigprocmask(SIG_BLOCK, set, old);
}

/* A shell sees that it has stopped when we stop, and continues both. */
static void stop_with(pid_t child)
{
	raise(SIGSTOP);
	kill(child, SIGCONT);
}

static int wait_for(pid_t child, const sigset_t *set)
{
	int status, sig;

	for (;;) {
		pid_t pid = waitpid(child, &status, WNOHANG | WUNTRACED);

		if (pid == child && WIFSTOPPED(status))
			stop_with(child);
		else if (pid == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) :
						   128 + WTERMSIG(status);
		else if (pid < 0 && errno != EINTR)
			return TRY_NO_VIEW;
		else if (sigwait(set, &sig) == 0 &&
			 (sig == SIGTERM || sig == SIGHUP))
			kill(child, sig);
	}
}

int try_run(const struct trial *t)
{
	sigset_t set, old;
	pid_t child;
	int status;

	fflush(NULL);
	catch(&set, &old);
	child = fork();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		_exit(start(t));
	}
	if (child < 0) {
		tool_error(t->name, "fork: %s", strerror(errno));
		return TRY_NO_VIEW;
	}
	status = wait_for(child, &set);
	/* What came meanwhile was for the command. */
	while (sigtimedwait(&set, NULL, &(struct timespec){ 0 }) > 0)
		;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return status;
}
