/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "tools/fleet.h"
#include "tools/json.h"
#include "tools/probe.h"
#include "tools/term.h"
#include "tools/tool.h"

/* Whether views can run without it; of the two ways to memory one will do. */
enum need { NEED_NOT, NEED_YES, NEED_MEMORY };

struct probe {
	const char *name;
	int (*run)(struct probe_note *note);
	enum need need;
	bool listens;		/* cannot be tried twice: see state() */
	const char *cost;	/* of its absence */
};

static const struct probe probe_table[] = {
	{ "kernel 5.14 or newer", probe_kernel, NEED_YES, false,
	  "views cannot start" },
	{ "notification of calls", probe_listener, NEED_YES, true,
	  "views cannot start" },
	{ "injection of descriptors", probe_inject, NEED_YES, true,
	  "views cannot start" },
	{ "process_vm_readv", probe_vm_readv, NEED_MEMORY, false,
	  "guest memory is read through /proc/PID/mem, more slowly" },
	{ "/proc/PID/mem", probe_proc_mem, NEED_MEMORY, false,
	  "guest memory has only one way in: process_vm_readv" },
	{ "calls held against signals", probe_killable, NEED_NOT, true,
	  "a signal can cancel a call that has already had its effect" },
	{ "wake-up on the same core", probe_sync_wake_up, NEED_NOT, true,
	  "a notified call takes about 45 us in place of 6" },
	{ "news of the last guest's end", probe_last_guest, NEED_NOT, true,
	  "the monitor watches each guest to know when to leave" },
	{ "ptrace of a guest", probe_ptrace, NEED_NOT, false,
	  "programs and scripts that only the view has cannot be executed" },
	{ "Yama allows ptrace", probe_yama, NEED_NOT, false,
	  "programs and scripts that only the view has cannot be executed" },
	{ "pidfd_getfd", probe_pidfd_getfd, NEED_NOT, false,
	  "descriptors are known by /proc/PID/fd, socket names are rewritten" },
	{ "writing over a guest's code", probe_write_code, NEED_NOT, false,
	  "views with a time of their own cannot reach the vDSO's clocks" },
	{ "lists of children in /proc", probe_children_file, NEED_NOT, false,
	  "a child may miss what its parent was when that changes" },
	{ "executable memfd", probe_memfd, NEED_NOT, false,
	  "what the view alone has cannot be executed from a copy" },
	{ "/dev/fuse", probe_fuse_device, NEED_NOT, false,
	  "files of a mounted image are held in memory, not by the kernel" },
	{ "user namespace that can mount", probe_user_namespace, NEED_NOT,
	  false, "carriers need root or fusermount3, stacks need root" },
	{ "FUSE mount in it", probe_fuse_mount, NEED_NOT, false,
	  "carriers are made by fusermount3, else files are held in memory" },
	{ "fusermount3", probe_fusermount, NEED_NOT, false,
	  "carriers need a user namespace, else files are held in memory" },
	{ "network namespace", probe_net_namespace, NEED_NOT, false,
	  "a private stack must be one in user mode" },
	{ "tap device in it", probe_tap, NEED_NOT, false,
	  "a private kernel stack cannot be joined to a virtual Ethernet" },
	{ "run-time directory", probe_runtime_directory, NEED_NOT, false,
	  "vu ls, ps and trace do not find views from outside" },
};

#define NAME_WIDTH 32
#define PROBES (sizeof(probe_table) / sizeof(probe_table[0]))

struct finding {
	int err;
	struct probe_note note;
};

/*
 * A process has one listener. In a view it is the monitor's, which proves
 * what could not be tried again: it did all of that to start.
 */
static struct finding examine(const struct probe *p, bool inside)
{
	struct finding f = { 0 };

	f.err = p->run(&f.note);
	if (inside && p->listens && f.err == -EBUSY) {
		f.err = 0;
		probe_say(&f.note, "in use by this view");
	} else if (f.err && !f.note.text[0]) {
		probe_say(&f.note, "%s", strerror(-f.err));
	}
	return f;
}

static void print_text(const struct term *t, const struct probe *p,
		       const struct finding *f)
{
	enum shade bad = p->need == NEED_YES ? SHADE_BAD : SHADE_WARN;

	term_shaded(t, f->err ? bad : SHADE_GOOD,
		    f->err ? "missing" : "ok     ");
	fprintf(t->out, "  %s", p->name);
	if (f->note.text[0]) {
		fprintf(t->out, "%*s", NAME_WIDTH - (int)strlen(p->name), "");
		term_shaded(t, SHADE_DIM, f->note.text);
	}
	putc('\n', t->out);
	if (f->err)
		fprintf(t->out, "         %s\n", p->cost);
}

static void print_json(struct json *j, const struct probe *p,
		       const struct finding *f)
{
	json_open(j, NULL, '{');
	json_string(j, "name", p->name);
	json_bool(j, "ok", !f->err);
	json_bool(j, "needed", p->need != NEED_NOT);
	json_string(j, "note", f->note.text);
	json_string(j, "cost", f->err ? p->cost : "");
	json_close(j, '}');
}

/* How to say it, and what it comes to. */
struct report {
	bool quiet, as_json;
	struct term term;
	struct json json;
	bool memory, lacking;
};

static void add_finding(struct report *r, const struct probe *p,
			const struct finding *f)
{
	if (p->need == NEED_MEMORY && !f->err)
		r->memory = true;
	if (p->need == NEED_YES && f->err)
		r->lacking = true;
	if (r->as_json)
		print_json(&r->json, p, f);
	else if (!r->quiet)
		print_text(&r->term, p, f);
}

static int diagnose(struct report *r)
{
	bool inside = fleet_inside(), can_run;

	r->term = term_open(stdout);
	r->json.out = stdout;
	if (r->as_json) {
		json_open(&r->json, NULL, '{');
		json_bool(&r->json, "inside", inside);
		json_open(&r->json, "probes", '[');
	}
	for (size_t i = 0; i < PROBES; i++) {
		struct finding f;

		/* Children must not find something to print. */
		fflush(stdout);
		f = examine(&probe_table[i], inside);
		add_finding(r, &probe_table[i], &f);
	}
	can_run = r->memory && !r->lacking;
	if (r->as_json) {
		json_close(&r->json, ']');
		json_bool(&r->json, "views_can_run", can_run);
		json_close(&r->json, '}');
	} else if (!r->quiet) {
		printf("\n%s%s.\n", can_run ? "Views can run here" :
		       "Views cannot run here",
		       inside ? "; this is inside a view" : "");
	}
	return can_run ? TOOL_OK : TOOL_FAILED;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	struct report r = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "jqh", options, NULL)) != -1) {
		switch (option) {
		case 'j': r.as_json = true; break;
		case 'q': r.quiet = true; break;
		default: return tool_option(&tool_doctor, argv[0], option);
		}
	}
	if (optind < argc)
		return tool_misused(&tool_doctor, argv[0],
				    "%s: no operand is expected",
				    argv[optind]);
	return diagnose(&r);
}

const struct tool tool_doctor = {
	.word = "doctor",
	.help = "try what views rest on, and tell what is missing",
	.usage = "[-q] [--json]\n"
		 "\n"
		 "  -j, --json     JSON, for programs\n"
		 "  -q, --quiet    only the exit status: 0 when views can run\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
