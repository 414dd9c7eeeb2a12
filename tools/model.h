/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_MODEL_H
#define TOOLS_MODEL_H

#include <stddef.h>
#include <sys/types.h>

/*
 * What a monitor has told: its records, kept by kind. The columns are
 * those of service/protocol.md.
 */
enum kind { KIND_INFO, KIND_VIEW, KIND_MOUNT, KIND_MODULE, KIND_GUEST,
	    KIND_MAX };

enum info_column { INFO_SERVER, INFO_VIEW, INFO_NAME, INFO_PARENT };
enum view_column { VIEW_ID, VIEW_PARENT, VIEW_NAME, VIEW_GUESTS,
		   VIEW_MOUNTS };
enum mount_column { MOUNT_VIEW, MOUNT_ID, MOUNT_PARENT, MOUNT_TYPE,
		    MOUNT_SOURCE, MOUNT_TARGET, MOUNT_OPTIONS, MOUNT_MODULE,
		    MOUNT_BUSY };
enum module_column { MODULE_NAME, MODULE_DESCRIPTION, MODULE_MOUNTS,
		     MODULE_FLAGS };
enum guest_column { GUEST_VIEW, GUEST_PID, GUEST_PPID, GUEST_COMMAND };

struct record {
	char **field;
	int nfield;
};

struct record_list {
	struct record *record;
	size_t n;
};

struct model {
	pid_t monitor;		/* 0: not known */
	struct record_list list[KIND_MAX];
};

/*
 * Take in one record; unknown kinds are left out. Has the shape that a
 * session_request wants: ctx is a struct model, field[0] the kind.
 */
void model_record(void *ctx, char **field, int nfield);
void model_clear(struct model *m);

/*
 * Fetch all records over a connection.
 * Return: TOOL_OK or TOOL_FAILED, having complained in name's name
 */
int model_fetch(const char *name, int fd, struct model *m);

/*
 * A field: "" where the record is shorter or says "-", which is how an empty
 * field travels. The same as a number, 0 where it is none.
 */
const char *record_text(const struct record *r, int column);
unsigned long record_number(const struct record *r, int column);

#endif
