/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_CONTEXT_H
#define VIEW_CONTEXT_H

#include "view/view.h"

struct exceptions;

/* What include/vu/module.h keeps opaque: one request to a module. */
struct vu_ctx {
	struct vu_who who;
	const struct version *version;	/* the view as the asker sees it */
	const struct place *root;	/* "/" for the asker */
	const struct place *cwd;
	const struct walker *walker;	/* the asker's own; NULL: none */
	struct exceptions *exceptions;	/* while mounting, else NULL */
};

#endif
