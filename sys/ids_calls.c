/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls that ask for ids and groups, or change them, of guests that have
 * virtual ones. i386 has each of them twice: the older ones, with names that
 * end in 16, know no ids above 65534.
 */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "sys/creds.h"
#include "sys/handlers.h"
#include "sys/state.h"

#define OVERFLOW 65534		/* what an id is told as that is too large */

static bool is_narrow(const struct request *rq)
{
	size_t n = strlen(rq->row->name);

	return rq->call->abi == ABI_COMPAT && n > 2 &&
	       !strcmp(rq->row->name + n - 2, "16");
}

/* set or get: "...uid..." or "...gid..." */
static bool is_group(const struct request *rq)
{
	return strstr(rq->row->name, "gid");
}

static bool is_called(const struct request *rq, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(rq->row->name, name, n) &&
	       (!rq->row->name[n] || !strcmp(rq->row->name + n, "16"));
}

static uid_t told(const struct request *rq, uid_t id)
{
	return is_narrow(rq) && id > 0xffff ? OVERFLOW : id;
}

static uid_t argument(const struct request *rq, int i)
{
	uid_t id = (uid_t)rq->call->arg[i];

	if (is_narrow(rq))
		return (id & 0xffff) == 0xffff ? (uid_t)-1 : id & 0xffff;
	return id;
}

/* --- asking --- */

struct verdict call_getid(struct request *rq)
{
	const struct ids *ids = ids_of_user(rq);
	const uid_t *id;
	enum id_kind kind;

	if (!ids)
		return verdict_native();
	id = is_group(rq) ? ids->gid : ids->uid;
	kind = !strncmp(rq->row->name, "gete", 4) ? ID_EFFECTIVE : ID_REAL;
	return verdict_value(told(rq, id[kind]));
}

static int put_id(struct request *rq, uint64_t addr, uid_t id)
{
	uint16_t narrow = id = told(rq, id);

	return is_narrow(rq) ?
	       guest_write(rq->call, addr, &narrow, sizeof(narrow)) :
	       guest_write(rq->call, addr, &id, sizeof(id));
}

struct verdict call_getresid(struct request *rq)
{
	const struct ids *ids = ids_of_user(rq);
	const uid_t *id;
	int err = 0;

	if (!ids)
		return verdict_native();
	id = is_group(rq) ? ids->gid : ids->uid;
	for (int i = 0; i < 3 && !err; i++)
		err = put_id(rq, rq->call->arg[i], id[i]);
	return verdict_value(err);
}

static int put_groups(struct request *rq, const struct ids_groups *groups)
{
	uint64_t addr = rq->call->arg[1];
	uint16_t *narrow;
	int err;

	if (!is_narrow(rq))
		return guest_write(rq->call, addr, groups->group,
				   groups->n * sizeof(gid_t));
	narrow = calloc(groups->n + 1, sizeof(*narrow));
	if (!narrow)
		return -ENOMEM;
	for (size_t i = 0; i < groups->n; i++)
		narrow[i] = told(rq, groups->group[i]);
	err = guest_write(rq->call, addr, narrow, groups->n * sizeof(*narrow));
	free(narrow);
	return err;
}

struct verdict call_getgroups(struct request *rq)
{
	const struct ids *ids = ids_of_user(rq);
	int room = (int)rq->call->arg[0], n, err = 0;

	if (!ids)
		return verdict_native();
	n = ids->groups->n;
	if (room < 0 || (room && n > room))
		return verdict_value(-EINVAL);
	if (room && n)
		err = put_groups(rq, ids->groups);
	return verdict_value(err ?: n);
}

/* --- changing --- */

static long set_ids(struct ids *to, void *arg)
{
	const struct request *rq = arg;
	const uid_t id[] = {
		argument(rq, 0), argument(rq, 1), argument(rq, 2),
	};
	bool group = is_group(rq);

	if (is_called(rq, group ? "setgid" : "setuid"))
		return ids_set(to, group, id[0]);
	if (is_called(rq, group ? "setregid" : "setreuid"))
		return ids_set_re(to, group, id[0], id[1]);
	if (is_called(rq, group ? "setresgid" : "setresuid"))
		return ids_set_res(to, group, id);
	return ids_set_fs(to, group, id[0]);
}

struct verdict call_setid(struct request *rq)
{
	if (!ids_of_user(rq))
		return call_identity(rq);
	return verdict_value(ids_change(rq, NULL, set_ids, rq));
}

/* The caller's list, in groups as wide as ours. 0 or -errno */
static int take_groups(struct request *rq, struct ids_groups *groups)
{
	uint16_t *narrow = (uint16_t *)groups->group;
	uint64_t addr = rq->call->arg[1];
	int err;

	if (!groups->n)
		return 0;
	if (!is_narrow(rq))
		return guest_read(rq->call, addr, groups->group,
				  groups->n * sizeof(gid_t));
	err = guest_read(rq->call, addr, narrow, groups->n * sizeof(*narrow));
	for (size_t i = groups->n; !err && i-- > 0; )
		groups->group[i] = narrow[i] == 0xffff ? (gid_t)-1 : narrow[i];
	return err;
}

static long set_groups(struct ids *to, void *arg)
{
	struct ids_groups **groups = arg;

	if (!ids_able(to, CAP_SETGID))
		return -EPERM;
	ids_take_groups(to, *groups);
	*groups = NULL;
	return 0;
}

static int new_groups(struct request *rq, struct ids_groups **out)
{
	int n = (int)rq->call->arg[0], err;
	struct ids_groups *groups;

	if (!ids_allow(rq, CAP_SETGID))
		return -EPERM;
	if ((unsigned)n > NGROUPS_MAX)
		return -EINVAL;
	groups = ids_groups_new(n);
	if (!groups)
		return -ENOMEM;
	err = take_groups(rq, groups);
	for (int i = 0; i < n && !err; i++)
		err = groups->group[i] == (gid_t)-1 ? -EINVAL : 0;
	if (err)
		free(groups);
	else
		*out = groups;
	return err;
}

struct verdict call_setgroups(struct request *rq)
{
	struct ids_groups *groups = NULL;
	long result;

	if (!ids_of_user(rq))
		return call_identity(rq);
	result = new_groups(rq, &groups);
	if (!result)
		result = ids_change(rq, NULL, set_groups, &groups);
	free(groups);
	return verdict_value(result);
}

/* --- becoming root --- */

static int begin(struct request *rq, struct ids **made)
{
	return ids_begin(rq, VU_KEEP_IDS, made);
}

static long become_root(struct ids *to, void *arg)
{
	struct ids_groups *groups = ids_groups_new(1);

	(void)arg;
	if (!groups)
		return -ENOMEM;
	ids_take_groups(to, groups);
	to->users = true;
	memset(to->uid, 0, sizeof(to->uid));
	memset(to->gid, 0, sizeof(to->gid));
	to->caps = (struct ids_caps){
		.permitted = caps_all(), .effective = caps_all(),
		.bounding = caps_all(),
	};
	return 0;
}

/*
 * A view is no jail: whoever is in it may be root there, as whoever owns the
 * view could be anyway. What that is worth is another matter: the kernel's
 * ids stay. But guests of a privileged monitor are there for different users,
 * and what modules give to root is not to be had by all of them: there only
 * who is root already may, and is.
 */
struct verdict call_become(struct request *rq)
{
	long result;

	if (rq->sys->privileged)
		return verdict_value(creds_may(rq, CAP_SETUID));
	result = ids_change(rq, begin, become_root, NULL);
	return verdict_value(result == -ENOENT ? -ENODEV : result);
}
