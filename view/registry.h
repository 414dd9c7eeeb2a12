/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_REGISTRY_H
#define VIEW_REGISTRY_H

#include "include/vu/module.h"

/*
 * The registry: which modules are loaded, and which names they own. One
 * table for every kind of name; the newest claim wins.
 */
struct module;

/*
 * Load by name ("vufs" or a path to a .so). 0 or -errno with a message.
 * @m:		out, may be NULL: the module, with a reference
 */
int module_load(const char *name, const char *options, struct module **m,
		struct vu_message *msg);
/* From now on unloading it is refused. */
void module_keep(struct module *m);
int module_unload(const char *name, struct vu_message *msg);

/*
 * Could it be unloaded, if so many of its mounts were gone? 0, or what
 * module_unload() would answer
 */
int module_idle(const char *name, unsigned mounts, struct vu_message *msg);

/*
 * The module that owns a name, with a reference (module_release()), or
 * NULL. name: for FSTYPE and EXEC; number: for the ranges.
 */
struct module *module_claiming(enum vu_claim_kind kind, const char *name,
			       unsigned number);

/* As module_claiming FSTYPE; loads the module that is called so if need be. */
int module_for_type(const char *type, struct module **module,
		    struct vu_message *msg);

/* Is there a module for the type, loaded or to be loaded? */
bool module_has_type(const char *type);

/* Everything that loaded modules want kept: enum vu_keep, or-ed. */
unsigned modules_keep(void);
/*
 * A module that wants this kept, or NULL: one state more of a process is there
 * because of it, until module_state_put().
 */
struct module *module_keeping(enum vu_keep what);
void module_state_get(struct module *m);	/* and another one */
void module_state_put(struct module *m);

/* The loaded module of that name, with a reference, or NULL. */
struct module *module_named(const char *name);
void module_release(struct module *m);

const char *module_name(const struct module *m);
const struct vu_fs_ops *module_fs(const struct module *m);
/* The mounts that loading it makes; NULL: none. */
const struct vu_loaded_mount *module_mounts(const struct module *m);

struct module_info {
	const char *name, *description;
	unsigned users;
	bool permanent;
};
void module_each(void (*f)(void *, const struct module_info *), void *arg);

#endif
