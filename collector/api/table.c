/* The table, and what is decided by it alone: which endpoint a request means and whether who asks may. */
#include "collector/api/endpoint.h"

#include <string.h>
#include "collector/api/document.h"

#define SMALL    ((size_t)64 * 1024)
#define SETTINGS ((size_t)512 * 1024) /* as JSON, where a character may take six */
#define BATCH    ((size_t)4 * 1024 * 1024)

static int openapi_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    (void)store;
    (void)error;
    exchange->status = document_openapi(&exchange->answer) ? 200 : 503;
    return 0;
}

const struct endpoint endpoints[] = {
    {.method = "GET",
     .path = "/health",
     .answers = "200",
     .text = "Whether the collector runs, and its store did when it was last needed."},
    {.method = "GET",
     .path = "/metrics",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .answers = "200",
     .text = "Counters for Prometheus."},
    {.method = "GET",
     .path = "/v1/openapi.json",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = openapi_handle,
     .answers = "200",
     .text = "This table, as OpenAPI 3.1."},
    {.method = "POST",
     .path = "/v1/enrol",
     .permission = MAY_TOKEN,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = enrol_handle,
     .request = "{\"name\":\"hv7\",\"version\":\"0.1.0\",\"key_hash\":\"64 hexadecimal digits\"}",
     .answers = "201 200 400 403",
     .text = "A node becomes known. It makes 32 random bytes itself and sends the BLAKE2b-256 of them; the same token "
             "with the same hash gives the same node again."},
    {.method = "POST",
     .path = "/v1/records",
     .permission = MAY_NODE,
     .worker = ASK_WRITER,
     .body_most = BATCH,
     .prepare = records_prepare,
     .forget = records_forget,
     .prepared_most = RECORDS_PLAIN_MOST,
     .handle = records_handle,
     .request = "Lines of JSON, plain or with Content-Encoding: zstd; the first is "
                "{\"life\":\"16 hexadecimal digits\",\"after\":N,\"last\":M,\"spooled\":K,\"version\":\"0.1.0\"}, each "
                "other a record with \"sequence\" as its first key.",
     .answers = "200 400 409 413",
     .text = "A batch of records is stored, those that are there already are skipped. All or nothing."},
    {.method = "GET",
     .path = "/v1/directives",
     .permission = MAY_NODE,
     .worker = ASK_READER,
     .handle = directives_handle,
     .parameters =
         {"after: the revision that the node has", "wait: seconds, up to 60, to wait for one",
          "news: the `news_after` of the answer before, or 0; without it there are none in the answer",
          "standings: `yes` for those that relays refuse by as well",
          "filtered: the `filtered_after` of the answer before, or 0; without it there are none in the answer"},
     .answers = "200 204 400 416",
     .text = "What the node is to do: those directives above the revision that it has. And, for who asks with `news`, "
             "up to 500 news of a higher number, and `news_after` to ask on with: {\"news\":N,\"kind\":\"campaign\", "
             "...} of near-identical bodies that several customers on several nodes send; `counted`, of bodies that "
             "are bulk by "
             "the collector's own count of messages; `customer`, the firm points "
             "of a customer's senders on each node; `standing`, whom a relay may refuse. A later one of the same "
             "likeness, customer or sender replaces the one before; one whose `until` has passed is over. And, for who "
             "asks with `filtered`, up to 200 opinions of filters "
             "about the node's messages, and `filtered_after` to ask on with (where that is lower than what was asked "
             "by, this "
             "store is from a backup): {\"number\":N,\"message\":S,\"time\":T,\"sender\":S,\"address\":A,\"filter\":S, "
             "\"score\":5.30,\"threshold\":6.00,\"action\":S,\"symbols\":S,\"certain\":false}."},
    {.method = "GET",
     .path = "/v1/nodes",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = nodes_handle,
     .answers = "200",
     .text = "The fleet: each node with its version, when it was seen last and what waits on it."},
    {.method = "DELETE",
     .path = "/v1/nodes/{node}",
     .permission = MAY_ADMIN,
     .worker = ASK_WRITER,
     .handle = node_revoke_handle,
     .answers = "204 400 404",
     .text = "A node is known no more: what it sends from now on is refused."},
    {.method = "GET",
     .path = "/v1/senders",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = senders_handle,
     .parameters = {"top: how many, 20 unless told otherwise", "node: of this one alone"},
     .answers = "200 400",
     .text = "Who sends what, the highest score first, with the counts of the last 24 hours."},
    {.method = "GET",
     .path = "/v1/senders/{sender}",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = sender_handle,
     .answers = "200",
     .text = "One sender on every node: what it is held for, and what happened, in order."},
    {.method = "GET",
     .path = "/v1/customers",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = customers_handle,
     .parameters = {"top: how many, 100 unless told otherwise"},
     .answers = "200 400",
     .text = "What each customer sent in the last 24 hours, over all nodes, and the points that nodes hold against it "
             "firmly. In a fleet of more than 64 nodes some figures are minutes old."},
    {.method = "GET",
     .path = "/v1/customers/{customer}",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = customer_handle,
     .parameters = {"limit: how many of either, 1,000 unless told otherwise"},
     .answers = "200 400",
     .text = "One customer: its sums, its senders on every node with the address that each used last, the firm points "
             "held against it and those against the customer's senders on other nodes, and the orders on it and on "
             "what it has."},
    {.method = "POST",
     .path = "/v1/customers/{customer}/letter",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .once = true,
     .handle = letter_handle,
     .request =
         "{\"language\":\"de\",\"to\":\"admin@acme.example\",\"note\":\"...\",\"reason\":\"...\"}; "
         "\"preview\":true to look at it alone; \"again\":true where one about the same went out lately. All may "
         "be left out",
     .answers = "201 200 400 409",
     .text = "A letter to the customer: what stands against it, in its language, and what to do. It goes out by mail "
             "(201), or is a preview (200). Kept on record with who wanted it and why."},
    {.method = "GET",
     .path = "/v1/campaigns",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = campaigns_handle,
     .parameters = {"top: how many, 100 unless told otherwise"},
     .answers = "200 400",
     .text = "Near-identical bodies that several customers on several nodes send, the latest first, as nodes were told "
             "of them; `some` names those of their customers with most recipients."},
    {.method = "GET",
     .path = "/v1/bulk",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = bulk_handle,
     .parameters = {"top: how many, 100 unless told otherwise", "kind: `body` or `picture`; without it both"},
     .answers = "200 400",
     .text = "Texts and pictures of messages that nodes sent in, as they were counted over all nodes and customers: "
             "those that are bulk first, then those with most recipients. A digest stands for the text without names "
             "and numbers, or for all pictures that look alike; `steps` is how many steps of the threshold were "
             "reached, 0 where it is no bulk."},
    {.method = "GET",
     .path = "/v1/events",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .settled = true,
     .handle = events_handle,
     .parameters = {"after: the cursor of the answer before", "since: a time", "kind: of records", "sender: whose",
                    "node: of this one alone", "limit: how many", "wait: seconds, up to 60, to wait for one"},
     .answers = "200 400",
     .text = "What happened, in the order in which it came here; the last line has the cursor to ask on with."},
    {.method = "GET",
     .path = "/v1/orders",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = orders_handle,
     .parameters = {"since: a time, of what people ordered", "limit: how many of either",
                    "node: what stands on this one alone"},
     .answers = "200 400",
     .text =
         "What is in force on nodes, as these told (`order`), and what people ordered here, the latest first, with how "
         "many nodes have done it (`directive`)."},
    {.method = "POST",
     .path = "/v1/orders",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .once = true,
     .handle = order_handle,
     .request =
         "{\"order\":\"block\",\"sender\":\"203.0.113.7\",\"node\":null,\"for\":\"1h\",\"rate\":0,\"reason\":\"...\"}",
     .answers = "201 400 404 409",
     .text =
         "An order to one node or to every one, on a sender or on all that a customer has (`customer:NAME`), now and "
         "later; kept on record with who gave it and why."},
    {.method = "GET",
     .path = "/v1/settings",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = settings_handle,
     .answers = "200",
     .text =
         "The settings of the fleet and of each node that has its own, how many nodes took them, and who did not and "
         "why."},
    {.method = "PUT",
     .path = "/v1/settings",
     .permission = MAY_ADMIN,
     .worker = ASK_WRITER,
     .body_most = SETTINGS,
     .once = true,
     .handle = settings_put_handle,
     .request = "{\"text\":\"[policy]\\nallow = 192.0.2.25\\n\",\"reason\":\"...\"}",
     .answers = "201 400 409",
     .text = "Thresholds, allow lists, detectors' limits and plans for every node that has none of its own, in the "
             "agent's configuration grammar (postern-agent.conf(5) says what a collector may set). They replace those "
             "before as a whole; each node answers with an acknowledgement. Kept on record with who did it and why."},
    {.method = "GET",
     .path = "/v1/nodes/{node}/settings",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = node_settings_handle,
     .answers = "200 400",
     .text = "The settings that hold for this node, its own or the fleet's, and what it said of them."},
    {.method = "PUT",
     .path = "/v1/nodes/{node}/settings",
     .permission = MAY_ADMIN,
     .worker = ASK_WRITER,
     .body_most = SETTINGS,
     .once = true,
     .handle = settings_put_handle,
     .request = "{\"text\":\"[plan list]\\nsenders = tap7i0\\n\",\"reason\":\"...\"}",
     .answers = "201 400 404 409",
     .text = "Settings of this node alone, in place of the fleet's. An empty text gives it the fleet's again."},
    {.method = "POST",
     .path = "/v1/lessons/{lesson}",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = INTAKE_BODY_MOST,
     .prepare = lesson_prepare,
     .forget = lesson_forget,
     .prepared_most = 2 * INTAKE_PLAIN_MOST,
     .handle = lesson_handle,
     .parameters = {"all: `yes`: none is held back"},
     .request = "A message, plain or with Content-Encoding: zstd; or {\"messages\":[\"0DC5B48D4.A739D\"]}, up to 1,000 "
                "of the quarantine.",
     .answers = "200 400 404 409 413",
     .text = "Filters that learn are to be taught that this is `spam` or `ham`, or to `forget` it: each message once, "
             "at the hours of [learning]. A part is held back, to show what it does. The answer says what was new, "
             "known, taught otherwise before."},
    {.method = "GET",
     .path = "/v1/lessons",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = lessons_handle,
     .answers = "200",
     .text = "What each filter was taught, what waits, and what filters say of the part that is held back: before they "
             "were taught, and now. `score` is the mean, as a share of the filter's threshold. What waits for a filter "
             "that is not configured any more, or does not learn (`learns`), is given to nobody."},
    {.method = "DELETE",
     .path = "/v1/lessons",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .handle = lesson_undo_handle,
     .parameters = {"since: a time", "reason: for the record"},
     .answers = "200 400",
     .text = "All lessons that were asked for since then are taken back."},
    {.method = "DELETE",
     .path = "/v1/lessons/{which}",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .handle = lesson_undo_handle,
     .parameters = {"reason: for the record"},
     .answers = "200 400 404",
     .text = "The lessons of one message are taken back, by its name or its digest."},
    {.method = "POST",
     .path = "/v1/messages",
     .permission = MAY_NODE,
     .worker = ASK_WRITER,
     .body_most = INTAKE_BODY_MOST,
     .prepare = intake_prepare,
     .forget = intake_forget,
     .prepared_most = 2 * INTAKE_PLAIN_MOST,
     .handle = intake_handle,
     .parameters = {"life: sixteen hexadecimal digits, of the row of numbers",
                    "number: of the message, rising within the life"},
     .request =
         "A message file, plain or with Content-Encoding: zstd: one line of JSON, "
         "{\"record\":\"message\",\"time\":T,\"sender\":S,\"from\":S,\"recipients\":[S],...}, then the message as "
         "it was sent.",
     .answers = "201 200 400 413",
     .text =
         "A message that the node saw, to be sorted by filters: {\"name\":S,\"life\":S,\"number\":N}. One of a number "
         "that was sent before is not kept again (200)."},
    {.method = "GET",
     .path = "/v1/messages",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = messages_handle,
     .parameters = {"since: a time", "before: a time", "sender: whose", "customer: whose", "verdict: of these alone",
                    "node: of this one alone", "limit: how many, 100 unless told otherwise"},
     .answers = "200 400",
     .text = "The quarantine, the latest message first. Subjects are for who may see content."},
    {.method = "GET",
     .path = "/v1/messages/{name}/content",
     .permission = MAY_CONTENT,
     .worker = ASK_WRITER,
     .handle = message_content_handle,
     .parameters = {"form: `eml`, as it was sent; `mbox`; `text`, to be read", "reason: for the record"},
     .answers = "200 400 404 409",
     .text = "A message's content. Each time is on record. As `text` it is decoded, with nothing in it that a terminal "
             "or a browser would obey."},
    {.method = "POST",
     .path = "/v1/messages/{name}/release",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = message_release_handle,
     .request = "{\"reason\":\"...\"}; \"again\":true where nobody knows whether it arrived",
     .answers = "202 200 400 404 409",
     .text = "It is sent to those whom it was for, once: 202, and 200 where it was released before. What becomes of "
             "that, the message's own record says."},
    {.method = "POST",
     .path = "/v1/messages/{name}/correct",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = message_correct_handle,
     .request = "{\"verdict\":\"spam\",\"reason\":\"...\"}, or ham",
     .answers = "200 400 404 409",
     .text = "A person says what a message is. Filters that learn are taught it, whatever they were taught before."},
    {.method = "GET",
     .path = "/v1/messages/{name}",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = message_handle,
     .answers = "200 400 404",
     .text = "One message: how it came, what each filter says of it, what filters were taught of it, whether it was "
             "released. The name may have its day and verdict before it. Recipients are for who may see content."},
    {.method = "DELETE",
     .path = "/v1/messages/{name}",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .handle = message_forget_handle,
     .parameters = {"reason: for the record"},
     .answers = "204 400 404",
     .text = "A message is forgotten, with its content and what filters said of it."},
    {.method = "POST",
     .path = "/v1/complaints",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = INTAKE_BODY_MOST,
     .prepare = arrival_prepare,
     .forget = arrival_forget,
     .prepared_most = 2 * INTAKE_PLAIN_MOST,
     .handle = arrival_handle,
     .request = "A mail as it came, XARF JSON (a report or a list), X-ARF's lines, or a CSV of Shadowserver; plain or "
                "with Content-Encoding: zstd.",
     .answers = "202 400 413",
     .text = "A complaint, or what may be one, is kept and then read. The same bytes again are the same: `new` says "
             "whether they were."},
    {.method = "GET",
     .path = "/v1/complaints",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = complaints_handle,
     .parameters = {"since: a time, of when they came", "customer: laid at this one's door",
                    "state: `open`, `unread`, `done`, `double`, `arrived` or `all`; without: what is not done with",
                    "top: how many, 100 unless told otherwise"},
     .answers = "200 400",
     .text = "Complaints, the latest first, each with whose doing it is where that is known: `tied` says by what, "
             "`message`, `text` or `address`; `told` says as what the sender's node was told of it, `nothing`, "
             "`doubtful`, `confirmed` or `vouched`. Subjects are for who may see content."},
    {.method = "GET",
     .path = "/v1/complaints/{id}/content",
     .permission = MAY_CONTENT,
     .worker = ASK_WRITER,
     .handle = complaint_content_handle,
     .parameters = {"reason: for the record"},
     .answers = "200 400 404 409",
     .text =
         "The letter that it came in, decoded, with nothing in it that a terminal or a browser would obey. Each time "
         "is on record."},
    {.method = "GET",
     .path = "/v1/complaints/{id}",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = complaint_handle,
     .answers = "200 400 404",
     .text = "One complaint, with all that was read of it in `fields`."},
    {.method = "POST",
     .path = "/v1/complaints/send",
     .permission = MAY_CONTENT,
     .worker = ASK_WRITER,
     .body_most = INTAKE_BODY_MOST,
     .prepare = outgoing_prepare,
     .forget = outgoing_forget,
     .prepared_most = INTAKE_PLAIN_MOST,
     .handle = outgoing_handle,
     .parameters = {"to: the mail address of whom it goes to",
                    "message: of the quarantine, which it is about; else the body is one",
                    "type: `abuse`, unless told otherwise, `fraud`, `virus`, `not-spam` or `other`",
                    "format: `arf`, unless told otherwise, or `xarf`, of type `abuse` alone",
                    "redact: `yes`: who received the message is not named, and only its head goes along",
                    "source: the address that the message came from; of one in the quarantine it is known",
                    "port: and the port, where it is known", "note: a person's own words, to go along",
                    "preview: `yes`: it is shown and not sent"},
     .request = "A message, plain or with Content-Encoding: zstd; nothing, where `message` names one.",
     .answers = "200 202 400 403 404 409 413",
     .text = "A complaint of our own about a message goes to another abuse desk, by [mail]; its sender is [mail] from. "
             "It takes the right `order` as well. The same again, 200 and `new` false, is not sent again; `sending` "
             "is its number. With `preview` the mail is the answer. Either is on record."},
    {.method = "POST",
     .path = "/v1/complaints/{id}/done",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = complaint_done_handle,
     .request = "{\"reason\":\"...\", \"not_abuse\":true}",
     .answers = "204 400 404 409",
     .text = "Somebody was done with a complaint that was open or unread, as the reason says. It is on record. "
             "`not_abuse`: it was none, and what the sender's node was told of it is taken back."},
    {.method = "GET",
     .path = "/v1/blacklist",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = blacklist_handle,
     .parameters = {"name: of this address or domain alone, with when it was asked for last",
                    "customer: of this one alone", "all: `yes` for what is over or was said once as well",
                    "since: a time: each time that a name was listed, of those that ended behind it or stand",
                    "top: how many, 1,000 unless told otherwise"},
     .answers = "200 400",
     .text = "Own addresses and domains on blacklists: `listing` says where, since when, how often and for how long "
             "before, what it means and how to get off. `state` is `listed`; `once` where a second answer has to "
             "confirm it; `over`. `list` says how each list is: `good`, or why it is not believed. `watching` has "
             "the sums."},
    {.method = "POST",
     .path = "/v1/blacklist/check",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = blacklist_check_handle,
     .request = "{\"names\":[\"192.0.2.7\",\"example.org\"]}",
     .answers = "202 400 409",
     .text = "Lists are asked about these names now, up to 64. `GET /v1/blacklist?name=` has what came of it when its "
             "`wanted` is false."},
    {.method = "GET",
     .path = "/v1/alerts",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = alerts_handle,
     .parameters = {"top: how many, 100 unless told otherwise", "since: a time; those that ended since then too"},
     .answers = "200 400",
     .text = "What a person should know and what is not over, the latest first."},
    {.method = "POST",
     .path = "/v1/alerts/test",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .once = true,
     .handle = alert_test_handle,
     .request = "{\"channel\":\"desk\"}",
     .answers = "200 400 404",
     .text = "A test goes out over this channel, or, where none is named, over all of them. The answer has the id of "
             "each, by which GET /v1/sendings tells what became of it."},
    {.method = "DELETE",
     .path = "/v1/alerts/{number}",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .handle = alert_close_handle,
     .parameters = {"reason: for the record"},
     .answers = "204 400 404",
     .text = "An alert is over, a person says. What still has a cause that is looked for is raised anew."},
    {.method = "GET",
     .path = "/v1/silences",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = silences_handle,
     .answers = "200",
     .text = "Of which alerts no channel is told, until when, and who said so."},
    {.method = "POST",
     .path = "/v1/silences",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = silence_handle,
     .request = "{\"kind\":\"node\",\"name\":\"\",\"customer\":\"\",\"node\":\"hv7\",\"for\":\"2h\",\"begin\":null,"
                "\"reason\":\"...\"}",
     .answers = "201 400",
     .text = "No channel is told of alerts that fit all four, where \"*\" and \"?\" stand for any letters and nothing "
             "for anything. `begin`: a time to come, for maintenance. What stands afterwards is told then."},
    {.method = "DELETE",
     .path = "/v1/silences/{number}",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .handle = silence_end_handle,
     .parameters = {"reason: for the record"},
     .answers = "204 400 404",
     .text = "A silence ends now."},
    {.method = "GET",
     .path = "/v1/sendings",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = sendings_handle,
     .parameters = {"id: of this one alone", "channel: by this one alone",
                    "purpose: `alert`, `test`, `letter`, `report` or `complaint`", "customer: about whom",
                    "state: `waiting`, `handed`, `sent`, `failed` or `in doubt`", "since: a time",
                    "top: how many, 100 unless told otherwise"},
     .answers = "200 400",
     .text = "What went out to people, or is to, by mail and all other channels, the newest first. `handed`: it is on "
             "its way, and nobody has said that it arrived; what a collector that died had handed over is `in doubt`, "
             "and not sent again by itself. `trouble` says why something failed or waits."},
    {.method = "POST",
     .path = "/v1/sendings/{sending}/again",
     .permission = MAY_ORDER,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = sending_again_handle,
     .parameters = {"reason: for the record"},
     .request = "Nothing.",
     .answers = "202 400 404",
     .text = "What failed, or is in doubt, is sent again."},
    {.method = "GET",
     .path = "/v1/filters",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = filters_handle,
     .answers = "200",
     .text =
         "Each filter: whether it answers, how many messages wait for it, how many it was asked about and what came "
         "of that since this collector started, and the time within which half and nearly all of its latest answers "
         "came. `new`, in the first line: messages that no filter has been asked about."},
    {.method = "GET",
     .path = "/v1/reports",
     .permission = MAY_READ,
     .worker = ASK_READER,
     .handle = reports_handle,
     .parameters = {"top: how many, 100 unless told otherwise"},
     .answers = "200 400",
     .text = "The reports that are kept, the latest first."},
    {.method = "GET",
     .path = "/v1/reports/top/{what}",
     .permission = MAY_READ,
     .worker = ASK_SCHOLAR,
     .handle = tops_handle,
     .parameters = {"by: `number` of messages, or `volume`, bytes", "since: a time; without it a week before the end",
                    "before: a time, the end; without it now", "top: how many, 20 unless told otherwise"},
     .answers = "200 400 403",
     .text = "Who sent most: `senders`, `customers`, `nodes`, `relays` (addresses that it came from), of all mail that "
             "nodes saw; `authors`, `author-domains`, `recipients`, `domains` (of recipients), `servers` (that it was "
             "sent to), of the messages that nodes sent in. `recipients` wants the right `content`. A line `cut` says "
             "that there was more than is looked at."},
    {.method = "GET",
     .path = "/v1/reports/hours",
     .permission = MAY_READ,
     .worker = ASK_SCHOLAR,
     .handle = flow_handle,
     .parameters = {"since: a time; without it a day before the end", "before: a time, the end; without it now"},
     .answers = "200 400",
     .text = "What was sent in each hour: all mail that nodes saw, and of the messages that they sent in what filters "
             "called them."},
    {.method = "GET",
     .path = "/v1/reports/days",
     .permission = MAY_READ,
     .worker = ASK_SCHOLAR,
     .handle = flow_handle,
     .parameters = {"since: a time; without it thirty days before the end", "before: a time, the end; without it now"},
     .answers = "200 400",
     .text = "The same for each day, in the zone of [reports]."},
    {.method = "GET",
     .path = "/v1/reports/rules",
     .permission = MAY_READ,
     .worker = ASK_SCHOLAR,
     .handle = rules_handle,
     .parameters = {"since: a time; without it a week before the end", "before: a time, the end; without it now",
                    "top: how many, 100 unless told otherwise"},
     .answers = "200 400",
     .text = "What rules of filters the messages met that nodes sent in, with how many of these are spam and ham "
             "(`rule`), and how often detectors held something against senders (`detector`), the most first."},
    {.method = "GET",
     .path = "/v1/reports/viruses",
     .permission = MAY_READ,
     .worker = ASK_SCHOLAR,
     .handle = rules_handle,
     .parameters = {"since: a time; without it a week before the end", "before: a time, the end; without it now",
                    "top: how many, 100 unless told otherwise"},
     .answers = "200 400",
     .text = "Viruses by name, as filters found them, the most first."},
    {.method = "GET",
     .path = "/v1/reports/scores",
     .permission = MAY_READ,
     .worker = ASK_SCHOLAR,
     .handle = scores_handle,
     .parameters = {"filter: of this one alone; without it the highest share that any gave",
                    "since: a time; without it a week before the end", "before: a time, the end; without it now"},
     .answers = "200 400",
     .text = "How many messages have which score, as a share of the filter's own threshold, in steps of 0.20; `from` "
             "null: all below 0."},
    {.method = "GET",
     .path = "/v1/reports/{kind}",
     .permission = MAY_READ,
     .worker = ASK_SCHOLAR,
     .handle = report_handle,
     .forget = report_forget,
     .parameters = {"period: `2026-11-23`, `2026-W48`, `2026-11`, or `now`; without it the latest that is over",
                    "format: `json`, `csv`, `text`, `html`", "table: of CSV; without it `sums`"},
     .answers = "200 400 404",
     .text = "The report of a `day`, `week` or `month`. Of one that is over the numbers are kept, and told again as "
             "they were."},
    {.method = "POST",
     .path = "/v1/reports/{kind}",
     .permission = MAY_ORDER,
     .worker = ASK_SCHOLAR,
     .body_most = SMALL,
     .once = true,
     .handle = report_mail_handle,
     .forget = report_forget,
     .request = "{\"channel\":\"desk\",\"period\":\"2026-W48\"}; without a period the latest that is over, without a "
                "channel to all that [reports] names for its kind",
     .answers = "202 400 404 409",
     .text = "It goes by mail to whom that channel ([alert NAME], of type mail) goes to, now."},
    {.method = "GET",
     .path = "/v1/audit",
     .permission = MAY_ADMIN,
     .worker = ASK_READER,
     .handle = audit_handle,
     .parameters = {"since: a time", "limit: how many"},
     .answers = "200 400",
     .text = "Who did what, when, from where and why."},
    {.method = "POST",
     .path = "/v1/tokens",
     .permission = MAY_ADMIN,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = token_handle,
     .request = "{\"name\":\"hv7\",\"for\":\"1h\"}, both as you like",
     .answers = "201 400",
     .text = "A token by which one node enrols. It is told once."},
    {.method = "POST",
     .path = "/v1/persons",
     .permission = MAY_ADMIN,
     .worker = ASK_WRITER,
     .body_most = SMALL,
     .handle = person_handle,
     .request = "{\"name\":\"anna\",\"may\":[\"read\",\"order\"]}",
     .answers = "201 400",
     .text = "A person with a secret, which is told once."},
    {.method = "GET",
     .path = "/v1/persons",
     .permission = MAY_ADMIN,
     .worker = ASK_READER,
     .handle = persons_handle,
     .answers = "200",
     .text = "Who is known, and what each may."},
    {.method = "DELETE",
     .path = "/v1/persons/{person}",
     .permission = MAY_ADMIN,
     .worker = ASK_WRITER,
     .handle = person_revoke_handle,
     .answers = "204 400 404",
     .text =
         "A person is known no more: the secret is good for nothing from now on. What was done with it stays in the "
         "audit."},
};
const size_t endpoint_count = sizeof endpoints / sizeof endpoints[0];

static bool matches(struct text pattern, struct text path, struct text *target)
{
    while (pattern.length || path.length) {
        struct text want = text_split(&pattern, '/'), have = text_split(&path, '/');
        if (want.length && want.bytes[0] == '{') {
            if (pattern.length == 0) /* the last: what it stands for may hold slashes, as 2001:db8::/64 */
                have.length += path.length ? path.length + 1 : 0;
            if (have.length == 0)
                return false;
            *target = have;
            if (pattern.length == 0)
                return true;
        } else if (!text_equals(want, have)) {
            return false;
        }
    }
    return true;
}

const struct endpoint *endpoint_find(const char *method, const char *path, struct text *target, bool *known)
{
    *known = false;
    if (path[0] != '/' || (path[1] && path[strlen(path) - 1] == '/'))
        return NULL;
    for (size_t i = 0; i < endpoint_count; i++) {
        if (!matches(text_of(endpoints[i].path), text_of(path), target))
            continue;
        *known = true;
        if (strcmp(endpoints[i].method, method) == 0)
            return &endpoints[i];
    }
    return NULL;
}

static unsigned needed(enum permission permission)
{
    static const unsigned bits[] = {[MAY_READ] = STORE_MAY_READ,
                                    [MAY_ORDER] = STORE_MAY_ORDER,
                                    [MAY_ADMIN] = STORE_MAY_ADMIN,
                                    [MAY_CONTENT] = STORE_MAY_CONTENT};
    return bits[permission];
}

int endpoint_authorise(struct store *store, struct exchange *exchange, struct error *error)
{
    enum permission permission = exchange->endpoint->permission;
    const struct secret *secret = &exchange->secret;
    int status = 0;
    if (permission == MAY_ANYBODY)
        return 0;
    if (secret->kind == SECRET_NONE)
        return 401;
    if (secret->kind == SECRET_TOKEN) { /* whether it is still good, its use says */
        status = permission == MAY_TOKEN ? store_token_known(store, secret->hash, error) : 0;
        return status < 0 ? status : status > 0 ? 0 : 403;
    }
    if (secret->kind == SECRET_NODE)
        status = store_node_by_key(store, secret->id, secret->hash, &exchange->node, error);
    else
        status = store_person_by_key(store, secret->id, secret->hash, &exchange->person, error);
    if (status < 0)
        return status;
    if (status == 0)
        return 401;
    if (permission == MAY_TOKEN)
        return 403;
    if (permission == MAY_NODE)
        return secret->kind == SECRET_NODE ? 0 : 403;
    return secret->kind == SECRET_PERSON && (exchange->person.may & needed(permission)) != 0 ? 0 : 403;
}
