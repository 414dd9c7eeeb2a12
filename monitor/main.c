/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "lib/log.h"
#include "lib/scratch.h"
#include "monitor/front.h"
#include "monitor/umvu.h"
#include "service/client.h"
#include "service/place.h"

void signals_take(struct signals *s)
{
	struct sigaction child = { .sa_handler = SIG_DFL };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &s->mask);
	/* An ignored SIGCHLD would reap the children behind our back. */
	sigaction(SIGCHLD, &child, &s->child);
}

void signals_give_back(const struct signals *s)
{
	sigaction(SIGCHLD, &s->child, NULL);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

void title_set(char **argv, const char *title)
{
	size_t len, room;
	int i, last;

	prctl(PR_SET_NAME, title);
	/* The kernel shows the whole area: what is behind must be zero. */
	for (last = 0; argv[last + 1]; last++)
		;
	room = argv[last] + strlen(argv[last]) - argv[0];
	for (i = 0; i <= last; i++)
		memset(argv[i], 0, strlen(argv[i]));
	len = strlen(title);
	memcpy(argv[0], title, len < room ? len : room);
}

void umvu_unlink_socket(const struct umvu *u)
{
	char name[32];

	if (u->place < 0)
		return;
	service_place_name(name, sizeof(name), u->pid);
	unlinkat(u->place, name, 0);
}

void umvu_remove_scratch(const struct umvu *u)
{
	if (u->scratch && u->scratch[0])
		scratch_remove(u->scratch);
}

/* Whoever of the three is the last knows what is left to do. */
static bool share_scratch(struct umvu *u)
{
	void *page = mmap(NULL, SCRATCH_NAME, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		fprintf(stderr, "umvu: mmap: %s\n", strerror(errno));
		return false;
	}
	u->scratch = page;
	return true;
}

/*
 * Open a file to write to, before anything changes directory or umask.
 * Return: false when it cannot be; that has been said
 */
static bool open_file(const char *path, int mode, int *fd)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY |
		   O_CLOEXEC | mode, 0666);
	if (*fd < 0)
		fprintf(stderr, "umvu: %s: %s\n", path, strerror(errno));
	return *fd >= 0;
}

static bool open_log(const struct options *o)
{
	int level = LOG_WARN + o->verbosity;
	int fd = STDERR_FILENO;

	if (o->log_file && !open_file(o->log_file, 0, &fd))
		return false;
	if (level > LOG_DEBUG)
		level = LOG_DEBUG;
	log_init("umvu", fd, level > 0 ? level : LOG_NOTHING);
	return true;
}

static bool open_trace(struct umvu *u)
{
	if (u->options.trace_file)
		return open_file(u->options.trace_file, O_TRUNC, &u->trace);
	if (u->options.trace)
		u->trace = STDERR_FILENO;
	return true;
}

/* Are we in a view already? The answer of any other kernel is an error. */
static bool in_view(void)
{
	int fd = service_inside();

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(int argc, char **argv)
{
	struct umvu u = { .argv = argv, .listen = -1, .place = -1,
			  .trace = -1 };
	int status;

	if (argc < 1 || fds_fill_standard())
		return STATUS_NO_VIEW;
	status = options_read(&u.options, argc, argv);
	if (status >= 0)
		return status;
	if (fds_inherited(&u.inherited)) {
		fprintf(stderr, "umvu: /proc/self/fd: %s\n", strerror(errno));
		return STATUS_NO_VIEW;
	}
	status = 1;
	if (open_log(&u.options) && open_trace(&u) && share_scratch(&u)) {
		u.nested = in_view();
		status = front_run(&u);
	}
	fds_free(&u.inherited);
	return status;
}
