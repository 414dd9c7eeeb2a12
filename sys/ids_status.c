/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/status with virtual ids in it, and to whom /proc/PID belongs. */
#include <stdlib.h>
#include <string.h>

#include "engine/task.h"
#include "sys/request.h"

/* "/proc/PID/status", "/proc/PID/task/TID/status": whose is it? 0: unknown */
static pid_t thread_of(const char *name)
{
	pid_t pid, tid;
	int n = sscanf(name, "/proc/%d/task/%d/", &pid, &tid);

	return n == 2 ? tid : n == 1 ? pid : 0;
}

static void put_four(FILE *out, const char *name, const uid_t id[ID_KINDS])
{
	fprintf(out, "%s\t%u\t%u\t%u\t%u\n", name, id[ID_REAL],
		id[ID_EFFECTIVE], id[ID_SAVED], id[ID_FILES]);
}

static void put_groups(FILE *out, const struct ids_groups *groups)
{
	fputs("Groups:\t", out);
	for (size_t i = 0; i < groups->n; i++)
		fprintf(out, "%u ", groups->group[i]);
	/* the kernel ends with a blank, be there groups or not */
	fputs(groups->n ? "\n" : " \n", out);
}

static bool begins(const char *line, const char *name)
{
	return !strncmp(line, name, strlen(name));
}

/* Return: was it one that tells user or group ids? */
static bool put_users(FILE *out, const char *line, const struct ids *ids)
{
	if (!ids->users)
		return false;
	if (begins(line, "Uid:"))
		put_four(out, "Uid:", ids->uid);
	else if (begins(line, "Gid:"))
		put_four(out, "Gid:", ids->gid);
	else if (begins(line, "Groups:"))
		put_groups(out, ids->groups);
	else
		return false;
	return true;
}

static bool put_caps(FILE *out, const char *line, const struct ids *ids)
{
	const struct ids_caps *c = &ids->caps;
	const struct { const char *name; uint64_t set; } set[] = {
		{ "CapInh:", c->inheritable }, { "CapPrm:", c->permitted },
		{ "CapEff:", c->effective }, { "CapBnd:", c->bounding },
		{ "CapAmb:", c->ambient },
	};

	for (size_t i = 0; ids_tell_caps(ids) && i < 5; i++) {
		if (!begins(line, set[i].name))
			continue;
		fprintf(out, "%s\t%016llx\n", set[i].name,
			(unsigned long long)set[i].set);
		return true;
	}
	return false;
}

void ids_tell_status(struct request *rq, const char *name, FILE *in, FILE *out)
{
	struct ids *ids = ids_of_thread(rq, thread_of(name));
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) > 0)
		if (!ids || (!put_users(out, line, ids) &&
			     !put_caps(out, line, ids)))
			fputs(line, out);
	free(line);
	ids_put(ids);
}

bool ids_tell_owner(struct request *rq, const char *name, struct stat *st)
{
	struct ids *ids = ids_of_thread(rq, thread_of(name));
	bool told = ids && ids->users;

	if (told) {
		st->st_uid = ids->uid[ID_EFFECTIVE];
		st->st_gid = ids->gid[ID_EFFECTIVE];
	}
	ids_put(ids);
	return told;
}
