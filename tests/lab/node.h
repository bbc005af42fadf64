/* A hosting node in simulation: its customers' mail as real frames, judged in this process on the path that
 * `postern-agent replay` takes, or written for it. The same scenario and seed give the same bytes everywhere. */
#ifndef TESTS_LAB_NODE_H
#define TESTS_LAB_NODE_H

#include "agent/judge/judge.h"
#include "common/error.h"
#include "tests/lab/result.h"
#include "tests/lab/scenario.h"

/* Run one seed of a scenario under these settings (loaded, see judge_settings_load()). Nobody is stopped: a verdict is
 * noted, and the sender goes on, so that one run shows all three heights. The result is the caller's to clear. */
int lab_run(const struct lab_scenario *, uint64_t seed, const struct judge_settings *, struct lab_result *result,
            struct error *) MUST_CHECK;

/* The same frames as a pcap file, and one line a sender: address TAB honest|abuser TAB actor. A file does not know
 * guests' ports, so it wants `postern-agent replay --local LAB_LOCAL --local LAB_LOCAL_6`. Either path may be NULL. */
int lab_write(const struct lab_scenario *, uint64_t seed, const char *pcap_path, const char *labels_path,
              struct error *) MUST_CHECK;
#define LAB_LOCAL   "203.0.113.0/24"
#define LAB_LOCAL_6 "2001:db8::/32"

#endif
