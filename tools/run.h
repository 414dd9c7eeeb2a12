/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

/*
 * Execute umvu, the one beside this binary if there is one.
 * @argv:	argv[0] is set
 * Return: only when it fails, the exit status that says so, having complained
 */
int run_umvu(const char *name, char **argv);

#endif
