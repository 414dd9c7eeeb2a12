/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's rules for ids and capabilities: kernel/sys.c,
 * security/commoncap.c, and capabilities(7). Nothing here knows of guests.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "sys/ids.h"

#define BIT(cap) (1ull << (cap))

/* What comes and goes with a file-system id of 0. */
#define CAPS_OF_FILES (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | \
	BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | \
	BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(CAP_MAC_OVERRIDE))

#define UNCHANGED ((uid_t)-1)

static pthread_once_t last_once = PTHREAD_ONCE_INIT;
static int last_cap = CAP_LAST_CAP;

static void read_last(void)
{
	FILE *f = fopen("/proc/sys/kernel/cap_last_cap", "re");
	int n;

	if (f && fscanf(f, "%d", &n) == 1 && n > 0 && n < 64)
		last_cap = n;
	if (f)
		fclose(f);
}

uint64_t caps_all(void)
{
	pthread_once(&last_once, read_last);
	return ~0ull >> (63 - last_cap);
}

static bool valid(uint64_t cap)
{
	return cap < 64 && caps_all() & BIT(cap);
}

/* Capabilities alone are a pretence, which obeys nobody's rules. */
bool ids_able(const struct ids *ids, int cap)
{
	return !ids->users || ids->caps.effective & BIT(cap);
}

static bool secure(const struct ids *ids, unsigned bit)
{
	return ids->caps.securebits & issecure_mask(bit);
}

/* --- ids --- */

static bool is_root(const uid_t id[ID_KINDS])
{
	return !id[ID_REAL] || !id[ID_EFFECTIVE] || !id[ID_SAVED];
}

/* Capabilities after a change of user ids. */
static void follow_users(struct ids *to, const uid_t old[ID_KINDS])
{
	struct ids_caps *c = &to->caps;

	if (secure(to, SECURE_NO_SETUID_FIXUP))
		return;
	if (is_root(old) && !is_root(to->uid)) {
		if (!secure(to, SECURE_KEEP_CAPS))
			c->permitted = c->effective = 0;
		c->ambient = 0;
	}
	if (!old[ID_EFFECTIVE] && to->uid[ID_EFFECTIVE])
		c->effective = 0;
	if (old[ID_EFFECTIVE] && !to->uid[ID_EFFECTIVE])
		c->effective = c->permitted;
}

static void follow_files(struct ids *to, uid_t old)
{
	struct ids_caps *c = &to->caps;

	if (secure(to, SECURE_NO_SETUID_FIXUP))
		return;
	if (!old && to->uid[ID_FILES])
		c->effective &= ~CAPS_OF_FILES;
	if (old && !to->uid[ID_FILES])
		c->effective |= c->permitted & CAPS_OF_FILES;
}

static uid_t *ids_to_set(struct ids *to, bool group)
{
	return group ? to->gid : to->uid;
}

static bool may_set(const struct ids *ids, bool group)
{
	return ids_able(ids, group ? CAP_SETGID : CAP_SETUID);
}

int ids_set(struct ids *to, bool group, uid_t id)
{
	uid_t *v = ids_to_set(to, group);
	const uid_t old[] = { v[0], v[1], v[2], v[3] };

	if (id == UNCHANGED)
		return -EINVAL;
	if (may_set(to, group))
		v[ID_REAL] = v[ID_SAVED] = id;
	else if (id != v[ID_REAL] && id != v[ID_SAVED])
		return -EPERM;
	v[ID_EFFECTIVE] = v[ID_FILES] = id;
	if (!group)
		follow_users(to, old);
	return 0;
}

int ids_set_re(struct ids *to, bool group, uid_t r, uid_t e)
{
	uid_t *v = ids_to_set(to, group);
	const uid_t old[] = { v[0], v[1], v[2], v[3] };
	bool may = may_set(to, group);

	if (r != UNCHANGED && !may && r != old[ID_REAL] &&
	    r != old[ID_EFFECTIVE])
		return -EPERM;
	if (e != UNCHANGED && !may && e != old[ID_REAL] &&
	    e != old[ID_EFFECTIVE] && e != old[ID_SAVED])
		return -EPERM;
	if (r != UNCHANGED)
		v[ID_REAL] = r;
	if (e != UNCHANGED)
		v[ID_EFFECTIVE] = e;
	if (r != UNCHANGED || (e != UNCHANGED && e != old[ID_REAL]))
		v[ID_SAVED] = v[ID_EFFECTIVE];
	v[ID_FILES] = v[ID_EFFECTIVE];
	if (!group)
		follow_users(to, old);
	return 0;
}

/* Would the call change nothing? Then the kernel does not look further. */
static bool same_res(const uid_t v[ID_KINDS], const uid_t id[3])
{
	for (int i = 0; i < 3; i++)
		if (id[i] != UNCHANGED && id[i] != v[i])
			return false;
	return id[ID_EFFECTIVE] == UNCHANGED ||
	       id[ID_EFFECTIVE] == v[ID_FILES];
}

int ids_set_res(struct ids *to, bool group, const uid_t id[3])
{
	uid_t *v = ids_to_set(to, group);
	const uid_t old[] = { v[0], v[1], v[2], v[3] };
	bool may = may_set(to, group);

	if (same_res(v, id))
		return 0;
	for (int i = 0; i < 3; i++)
		if (id[i] != UNCHANGED && !may && id[i] != old[ID_REAL] &&
		    id[i] != old[ID_EFFECTIVE] && id[i] != old[ID_SAVED])
			return -EPERM;
	for (int i = 0; i < 3; i++)
		if (id[i] != UNCHANGED)
			v[i] = id[i];
	v[ID_FILES] = v[ID_EFFECTIVE];
	if (!group)
		follow_users(to, old);
	return 0;
}

/* It tells the old one, whatever comes of it. */
long ids_set_fs(struct ids *to, bool group, uid_t id)
{
	uid_t *v = ids_to_set(to, group), old = v[ID_FILES];

	if (id == UNCHANGED)
		return old;
	if (id != v[ID_REAL] && id != v[ID_EFFECTIVE] && id != v[ID_SAVED] &&
	    id != old && !may_set(to, group))
		return old;
	v[ID_FILES] = id;
	if (!group)
		follow_files(to, old);
	return old;
}

/* --- capabilities --- */

uint64_t ids_access_caps(const struct ids *ids, bool as_real)
{
	if (!as_real || secure(ids, SECURE_NO_SETUID_FIXUP))
		return ids->caps.effective;
	return ids->uid[ID_REAL] ? 0 : ids->caps.permitted;
}

static bool within(uint64_t a, uint64_t b)
{
	return !(a & ~b);
}

int ids_capset(struct ids *to, const struct ids_caps *want)
{
	struct ids_caps *c = &to->caps;
	uint64_t all = caps_all();
	uint64_t p = want->permitted & all, e = want->effective & all;
	uint64_t i = want->inheritable & all;

	if (!ids_able(to, CAP_SETPCAP) &&
	    !within(i, c->inheritable | c->permitted))
		return -EPERM;
	if (to->users && (!within(i, c->inheritable | c->bounding) ||
			  !within(p, c->permitted)))
		return -EPERM;
	if (!within(e, p))
		return -EPERM;
	c->permitted = p;
	c->effective = e;
	c->inheritable = i;
	c->ambient &= p & i;
	return 0;
}

static long drop_bounding(struct ids *to, uint64_t cap)
{
	if (!ids_able(to, CAP_SETPCAP))
		return -EPERM;
	if (!valid(cap))
		return -EINVAL;
	to->caps.bounding &= ~BIT(cap);
	return 0;
}

static long set_securebits(struct ids *to, uint64_t want)
{
	unsigned old = to->caps.securebits;
	unsigned known = SECURE_ALL_LOCKS | SECURE_ALL_BITS;

	if ((((old & SECURE_ALL_LOCKS) >> 1) & (old ^ want)) ||
	    (old & SECURE_ALL_LOCKS & ~want) || (want & ~(uint64_t)known) ||
	    !ids_able(to, CAP_SETPCAP))
		return -EPERM;
	to->caps.securebits = want;
	return 0;
}

static long set_keepcaps(struct ids *to, uint64_t keep)
{
	unsigned bit = issecure_mask(SECURE_KEEP_CAPS);

	if (keep > 1)
		return -EINVAL;
	if (secure(to, SECURE_KEEP_CAPS_LOCKED))
		return -EPERM;
	if (keep)
		to->caps.securebits |= bit;
	else
		to->caps.securebits &= ~bit;
	return 0;
}

static long ambient(struct ids *to, const uint64_t arg[4])
{
	struct ids_caps *c = &to->caps;
	uint64_t bit;

	if (arg[0] == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (arg[1] | arg[2] | arg[3])
			return -EINVAL;
		c->ambient = 0;
		return 0;
	}
	if (!valid(arg[1]) || (arg[2] | arg[3]))
		return -EINVAL;
	bit = BIT(arg[1]);
	if (arg[0] == PR_CAP_AMBIENT_IS_SET)
		return !!(c->ambient & bit);
	if (arg[0] != PR_CAP_AMBIENT_RAISE && arg[0] != PR_CAP_AMBIENT_LOWER)
		return -EINVAL;
	if (arg[0] == PR_CAP_AMBIENT_LOWER) {
		c->ambient &= ~bit;
		return 0;
	}
	if (!(c->permitted & c->inheritable & bit) ||
	    secure(to, SECURE_NO_CAP_AMBIENT_RAISE))
		return -EPERM;
	c->ambient |= bit;
	return 0;
}

long ids_prctl(struct ids *to, int option, const uint64_t arg[4])
{
	switch (option) {
	case PR_CAPBSET_READ:
		return valid(arg[0]) ? !!(to->caps.bounding & BIT(arg[0]))
				     : -EINVAL;
	case PR_CAPBSET_DROP:
		return drop_bounding(to, arg[0]);
	case PR_SET_SECUREBITS:
		return set_securebits(to, arg[0]);
	case PR_GET_SECUREBITS:
		return to->caps.securebits;
	case PR_SET_KEEPCAPS:
		return set_keepcaps(to, arg[0]);
	case PR_GET_KEEPCAPS:
		return secure(to, SECURE_KEEP_CAPS);
	case PR_CAP_AMBIENT:
		return ambient(to, arg);
	default:
		return -ENOSYS;
	}
}

/* --- execution --- */

bool ids_in_group(const struct ids *ids, enum id_kind kind, gid_t gid)
{
	const struct ids_groups *groups = ids->groups;

	for (size_t i = 0; i < groups->n; i++)
		if (groups->group[i] == gid)
			return true;
	return ids->gid[kind] == gid;
}

/*
 * Return: has the program ids that its caller had not? (So since Linux 6.16;
 * before, all was as changed where real and effective ids differed.)
 */
static bool take_set_ids(struct ids *to, const struct ids_program *p)
{
	uid_t old = to->uid[ID_EFFECTIVE];

	if (p->mode & S_ISUID)
		to->uid[ID_EFFECTIVE] = p->uid;
	if ((p->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		to->gid[ID_EFFECTIVE] = p->gid;
	return to->uid[ID_EFFECTIVE] != old ||
	       !ids_in_group(to, ID_FILES, to->gid[ID_EFFECTIVE]);
}

/* Root has all capabilities, except by a set-uid program that has its own. */
static bool root_counts(const struct ids *to, const struct ids_program *p)
{
	if (secure(to, SECURE_NOROOT))
		return false;
	return !p->has_caps || to->uid[ID_EFFECTIVE] || !to->uid[ID_REAL];
}

int ids_exec(struct ids *to, const struct ids_program *p)
{
	struct ids_caps *c = &to->caps;
	uint64_t permitted = 0;
	bool effective = false, changed;

	if (!to->users)
		return 0;
	changed = take_set_ids(to, p);
	if (p->has_caps) {
		permitted = (c->bounding & p->permitted) |
			    (c->inheritable & p->inheritable);
		effective = p->effective;
		if (effective && !within(p->permitted, permitted))
			return -EPERM;
	}
	if (root_counts(to, p)) {
		if (!to->uid[ID_EFFECTIVE] || !to->uid[ID_REAL])
			permitted = c->bounding | c->inheritable;
		if (!to->uid[ID_EFFECTIVE])
			effective = true;
	}
	to->uid[ID_SAVED] = to->uid[ID_FILES] = to->uid[ID_EFFECTIVE];
	to->gid[ID_SAVED] = to->gid[ID_FILES] = to->gid[ID_EFFECTIVE];
	if (p->has_caps || changed)
		c->ambient = 0;
	c->permitted = permitted | c->ambient;
	c->effective = effective ? c->permitted : c->ambient;
	c->securebits &= ~issecure_mask(SECURE_KEEP_CAPS);
	return 0;
}
