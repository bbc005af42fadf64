/* Receivers' manners: real codes, phrases of our own in the way that each kind puts them. */
#include "tests/lab/receiver.h"

#include <inttypes.h>
#include <stdio.h>

#define HOSTERS 40

static const struct large {
    const char *domain;
    enum lab_style style;
} large_receivers[LAB_LARGE] = {
    {"gmail.com", LAB_GOOGLE}, {"outlook.com", LAB_MICROSOFT}, {"yahoo.com", LAB_YAHOO},
    {"gmx.net", LAB_UNITED},   {"hotmail.com", LAB_MICROSOFT}, {"web.de", LAB_UNITED},
    {"aol.com", LAB_YAHOO},    {"googlemail.com", LAB_GOOGLE},
};

/* What each style says where it accepts (the recipient) or not; a %s is the recipient. */
static const char *const phrases[LAB_STYLES][LAB_ANSWERS] = {
    [LAB_GOOGLE] =
        {"250 2.1.5 OK - gsmtp",
         "550-5.1.1 The email account that you tried to reach does not exist. Please\r\n550 5.1.1 look for "
         "typing errors in <%s> - gsmtp",
         "550-5.7.1 Our system has detected that this message is likely unsolicited\r\n550 5.7.1 mail, so it "
         "has been blocked - gsmtp",
         "450 4.2.1 This account is receiving mail too fast, please try again later - gsmtp",
         "452 4.2.2 The recipient's inbox is out of storage space - gsmtp",
         "550 5.7.1 This message is likely suspicious due to its content and was blocked - gsmtp"},
    [LAB_MICROSOFT] = {"250 2.1.5 Recipient OK",
                       "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)",
                       "550 5.7.1 Messages from your network weren't sent; part of it is on our block list (S3140)",
                       "451 4.7.500 Server busy. Please try again later",
                       "552 5.2.2 The mailbox of the recipient is full", "550 5.7.1 Content was judged to be spam"},
    [LAB_YAHOO] = {"250 recipient <%s> ok", "554 delivery error: dd This user doesn't have an account (%s) [0] - mta",
                   "553 5.7.1 [BL21] Connections will not be accepted, your address is on a list",
                   "451 4.7.1 [TSS04] Messages temporarily deferred due to user complaints",
                   "552 5.2.2 Mailbox over quota", "554 5.7.9 Message not accepted for policy reasons"},
    [LAB_UNITED] = {"250 Requested mail action okay, completed",
                    "550 Requested action not taken: mailbox unavailable for <%s>",
                    "554 Transaction failed, reject due to policy restrictions",
                    "450 Requested mail action not taken: please try again later",
                    "552 Requested mail action aborted: exceeded storage allocation",
                    "554 Transaction failed, reject due to policy restrictions (content)"},
    [LAB_POSTFIX] = {"250 2.1.5 Ok",
                     "550 5.1.1 <%s>: Recipient address rejected: User unknown in virtual mailbox table",
                     "554 5.7.1 <%s>: Recipient address rejected: Access denied; client host blocked using a list",
                     "450 4.2.0 <%s>: Recipient address rejected: Greylisted, see the postmaster's page",
                     "552 5.2.2 <%s>: Recipient address rejected: Mailbox full", "550 5.7.1 Spam message rejected"},
    [LAB_EXIM] = {"250 Accepted", "550 No such user here: %s", "550 5.7.1 Client is listed on a block list",
                  "451 4.7.1 Greylisted, please come back in five minutes", "552 5.2.2 %s: mailbox is full",
                  "550 This message scored too many spam points"},
    [LAB_EXCHANGE] = {"250 2.1.5 Recipient OK",
                      "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient %s not found by SMTP address lookup",
                      "550 5.7.606 Access denied, banned sending address", "451 4.7.1 Please try again later",
                      "554 5.2.2 mailbox full; STOREDRV.Deliver", "554 5.7.1 Rejected by the content filter"},
};

const char *lab_large_domain(int large)
{
    return large_receivers[large].domain;
}

struct lab_receiver lab_receiver_find(const struct lab_recipient *recipient, unsigned servers)
{
    uint64_t key = lab_mix(recipient->domain, 11);
    char name[LAB_NAME];
    struct lab_receiver receiver;
    if (servers > 0) {
        key = lab_mix(key % servers, 12);
    } else if (recipient->large >= 0) {
        key = lab_mix(UINT64_C(1) << 32 | (uint64_t)recipient->large << 8 | recipient->key % 3, 13);
    } else if (key & 1) {
        key = lab_mix(UINT64_C(2) << 32 | (key >> 8) % HOSTERS, 14);
    }
    receiver.key = key;
    receiver.style = recipient->large >= 0 && servers == 0 ? large_receivers[recipient->large].style
                                                           : LAB_POSTFIX + (enum lab_style)(key >> 20) % 3;
    receiver.number[0] = 198;
    receiver.number[1] = (uint8_t)(18 + (key >> 40 & 1));
    receiver.number[2] = (uint8_t)(key >> 48);
    receiver.number[3] = (uint8_t)(key >> 56);
    receiver.way = 10000000 + (int64_t)(lab_share(lab_mix(key, 15)) * 140000000);
    snprintf(receiver.host, sizeof receiver.host, "mx%u.%s", (unsigned)(key >> 30) % 4 + 1, lab_domain(key, name));
    return receiver;
}

struct address lab_receiver_address(const struct lab_receiver *receiver, bool ipv6)
{
    uint8_t bytes[16] = {0x20, 0x01, 0, 2};
    if (!ipv6)
        return address_from_ipv4(receiver->number);
    for (int i = 1; i < 4; i++) /* the /48 that stands for the /24 */
        bytes[3 + i] = receiver->number[i];
    bytes[15] = 25;
    return address_from_ipv6(bytes);
}

bool lab_receiver_offers_tls(const struct lab_receiver *receiver, double share)
{
    return lab_share(lab_mix(receiver->key, 16)) < share;
}

static size_t closed(int length, char result[LAB_REPLY])
{
    size_t end = length < LAB_REPLY - 3 ? (size_t)length : LAB_REPLY - 3;
    result[end++] = '\r';
    result[end++] = '\n';
    result[end] = '\0';
    return end;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
size_t lab_reply(const struct lab_receiver *receiver, enum lab_answer answer, const char *recipient,
                 char result[LAB_REPLY])
{
    return closed(snprintf(result, LAB_REPLY, phrases[receiver->style][answer], recipient), result);
}
#pragma GCC diagnostic pop

size_t lab_reply_banner(const struct lab_receiver *receiver, char result[LAB_REPLY])
{
    static const char *const names[LAB_STYLES] = {"ESMTP - gsmtp",
                                                  "Microsoft ESMTP MAIL Service ready",
                                                  "ESMTP ready",
                                                  "Nemesis ESMTP Service ready",
                                                  "ESMTP Postfix",
                                                  "ESMTP Exim 4.97",
                                                  "Microsoft ESMTP MAIL Service ready"};
    return closed(snprintf(result, LAB_REPLY, "220 %s %s", receiver->host, names[receiver->style]), result);
}

size_t lab_reply_ehlo(const struct lab_receiver *receiver, bool tls, bool auth, char result[LAB_REPLY])
{
    return closed(snprintf(result, LAB_REPLY,
                           "250-%s\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n%s%s250-ENHANCEDSTATUSCODES\r\n"
                           "250 8BITMIME",
                           receiver->host, tls ? "250-STARTTLS\r\n" : "", auth ? "250-AUTH PLAIN LOGIN\r\n" : ""),
                  result);
}

size_t lab_reply_sender(const struct lab_receiver *receiver, char result[LAB_REPLY])
{
    static const char *const replies[LAB_STYLES] = {"250 2.1.0 OK - gsmtp", "250 2.1.0 Sender OK",
                                                    "250 sender ok",        "250 Requested mail action okay, completed",
                                                    "250 2.1.0 Ok",         "250 OK",
                                                    "250 2.1.0 Sender OK"};
    return closed(snprintf(result, LAB_REPLY, "%s", replies[receiver->style]), result);
}

size_t lab_reply_queued(const struct lab_receiver *receiver, uint64_t number, char result[LAB_REPLY])
{
    uint64_t key = lab_mix(receiver->key, number);
    return closed(snprintf(result, LAB_REPLY,
                           receiver->style == LAB_POSTFIX ? "250 2.0.0 Ok: queued as %08" PRIX64
                                                          : "250 2.0.0 OK, message accepted for delivery %08" PRIX64,
                           key >> 28),
                  result);
}
