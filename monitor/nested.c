/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "include/vu/msocket.h"
#include "lib/log.h"
#include "monitor/ending.h"
#include "monitor/launch.h"
#include "monitor/nested.h"
#include "monitor/trace.h"
#include "monitor/umvu.h"
#include "service/client.h"

static void note_view(void *ctx, char **field, int nfield)
{
	struct nested *n = ctx;

	if (nfield > 1 && !strcmp(field[0], "view"))
		n->view = strtoul(field[1], NULL, 10);
}

/* A request whose failure ends umvu. Return: 0 or the exit status */
static int ask(struct nested *n, const char *const *word, int nword)
{
	char message[512];
	int ret = service_request(n->service, word, nword, note_view, n,
				  message, sizeof(message));

	if (!ret)
		return 0;
	log_error("%s", message[0] ? message : strerror(-ret));
	return 1;
}

/* A module that is there already, and is to have no options, is there. */
static int load_module(struct nested *n, const char *module)
{
	const char *word[] = { "insmod", module, "" };
	char message[512];
	int ret = service_request(n->service, word, 3, NULL, NULL,
				  message, sizeof(message));

	if (!ret || (ret == -EEXIST && !strchr(module, ',')))
		return 0;
	log_error("%s", message[0] ? message : strerror(-ret));
	return 1;
}

/*
 * By the guest, for what loading mounts belongs into its view. Return: 0 or
 * the exit status
 */
static int load_modules(const struct options *o)
{
	struct nested here = { 0 };
	int status = 0;
	size_t i;

	if (!o->nmodule)
		return 0;
	here.service = service_inside();
	if (here.service < 0) {
		log_error("cannot reach the monitor of this view: %s",
			  strerror(-here.service));
		return STATUS_NO_VIEW;
	}
	for (i = 0; i < o->nmodule && !status; i++)
		status = load_module(&here, o->module[i]);
	close(here.service);
	return status;
}

static void guest_main(struct umvu *u, const struct nested *n)
	__attribute__((noreturn));

static void guest_main(struct umvu *u, const struct nested *n)
{
	int status;

	if (syscall(VU_CALL_ENTER, (long)n->view) < 0) {
		log_error("cannot enter view %u: %s", n->view,
			  strerror(errno));
		_exit(STATUS_NO_VIEW);
	}
	status = load_modules(&u->options);
	if (status)
		_exit(status);
	launch_command(u);
}

pid_t nested_begin(struct umvu *u, struct nested *n)
{
	const char *word[] = { "newview", u->options.name };
	pid_t pid;

	*n = (struct nested){ .service = service_inside() };
	if (n->service < 0) {
		log_error("cannot reach the monitor of this view: %s",
			  strerror(-n->service));
		return -STATUS_NO_VIEW;
	}
	if (ask(n, word, 2) || !n->view)
		return -STATUS_NO_VIEW;
	if (u->options.nogate)
		log_warn("the gate is the affair of the monitor that is "
			 "already there: -G does nothing");
	pid = fork();
	if (!pid)
		guest_main(u, n);
	if (pid < 0) {
		log_error("cannot fork: %s", strerror(errno));
		return -STATUS_NO_VIEW;
	}
	return pid;
}

void nested_end(struct nested *n)
{
	const char *word[] = { "leave" };

	ask(n, word, 1);
	close(n->service);
}

/* --- the end: the monitor around us knows the mounts ---------------------- */

struct server_list {
	const pid_t *pid;
	size_t n;
	bool *serves, any;
};

static void note_server(void *ctx, char **field, int nfield)
{
	struct server_list *l = ctx;
	pid_t pid;

	if (nfield < 2)
		return;
	if (!strcmp(field[0], "serving"))
		l->any = atoi(field[1]);
	if (strcmp(field[0], "server"))
		return;
	pid = atoi(field[1]);
	for (size_t i = 0; i < l->n; i++)
		l->serves[i] |= l->pid[i] == pid;
}

static bool ask_servers(void *ctx, const pid_t *pid, size_t n, bool *serves)
{
	struct nested *nested = ctx;
	const char *word[] = { "servers" };
	struct server_list l = { pid, n, serves, false };

	memset(serves, 0, n * sizeof(*serves));
	service_request(nested->service, word, 1, note_server, &l, NULL, 0);
	return l.any;
}

static void quit_mounts(void *ctx)
{
	const char *word[] = { "quit" };
	int fd = service_inside();

	(void)ctx;
	if (fd < 0)
		return;
	service_request(fd, word, 1, NULL, NULL, NULL, 0);
	close(fd);
}

const struct ending_ops nested_ending = { ask_servers, quit_mounts };

static void note_call(void *ctx, char **field, int nfield)
{
	trace_record(ctx, field, nfield);
}

struct tracing {
	int fd;
	unsigned view;
	struct trace *trace;
};

/* Ends with the connection, or with umvu. */
static void *trace_view(void *arg)
{
	struct tracing *t = arg;
	char view[16];
	const char *word[] = { "trace", "view", view };

	snprintf(view, sizeof(view), "%u", t->view);
	service_request(t->fd, word, 3, note_call, t->trace, NULL, 0);
	close(t->fd);
	free(t);
	return NULL;
}

int nested_trace(const struct nested *n, struct trace *trace)
{
	struct tracing *t = malloc(sizeof(*t));
	pthread_t thread;
	int ret;

	if (!t)
		return -ENOMEM;
	*t = (struct tracing){ service_inside(), n->view, trace };
	ret = t->fd < 0 ? t->fd :
	      -pthread_create(&thread, NULL, trace_view, t);
	if (!ret)
		return -pthread_detach(thread);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
	return ret;
}
