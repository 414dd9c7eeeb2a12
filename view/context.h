/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_CONTEXT_H
#define VIEW_CONTEXT_H

#include "view/view.h"

struct exceptions;

/* What the one who asks can tell; each may be NULL. arg: struct vu_ctx's. */
struct asker {
	int (*who)(void *arg, struct vu_who *who);
	bool (*in_group)(void *arg, gid_t gid);
	bool (*gone)(void *arg);
	void (*may_wait)(void *arg);
	int (*fd)(void *arg, int fd, struct stat *st);
	int (*replace_fd)(void *arg, int fd, int by);
	int (*env)(void *arg, const char *name, char *buf, size_t size);
	void (*act_as)(void *arg, bool caller);	/* or as the monitor */
	bool (*executed)(void *arg, const struct stat *st);
};

/* What include/vu/module.h keeps opaque: one request to a module. */
struct vu_ctx {
	const struct asker *asker;	/* NULL: nobody in particular */
	void *arg;
	struct vu_who who;		/* valid with has_who: see vu_who() */
	bool has_who;
	const struct version *version;	/* the view as the asker sees it */
	const struct place *root;	/* "/" for the asker */
	const struct place *cwd;
	const struct walker *walker;	/* the asker's own; NULL: none */
	struct exceptions *exceptions;	/* while mounting, else NULL */
};

#endif
