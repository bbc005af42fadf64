/* Fading by a fixed-point table: a shift for whole half-lives, two tables for the fraction's first ten bits, and the
 * first three terms of the exponential series for the rest, which is below 2^-10. */
#include "agent/judge/score.h"

#define FRACTION 32 /* bits behind the point */
#define ONE      (UINT64_C(1) << FRACTION)
#define LN2      UINT64_C(2977044472) /* of ONE */

/* 2^(-i/32) and 2^(-i/1024) of ONE, rounded. */
static const uint64_t coarse[32] = {
    UINT64_C(4294967296), UINT64_C(4202935003), UINT64_C(4112874773), UINT64_C(4024744348), UINT64_C(3938502376),
    UINT64_C(3854108391), UINT64_C(3771522796), UINT64_C(3690706840), UINT64_C(3611622603), UINT64_C(3534232978),
    UINT64_C(3458501653), UINT64_C(3384393094), UINT64_C(3311872529), UINT64_C(3240905930), UINT64_C(3171459999),
    UINT64_C(3103502151), UINT64_C(3037000500), UINT64_C(2971923842), UINT64_C(2908241642), UINT64_C(2845924021),
    UINT64_C(2784941738), UINT64_C(2725266179), UINT64_C(2666869345), UINT64_C(2609723834), UINT64_C(2553802834),
    UINT64_C(2499080105), UINT64_C(2445529972), UINT64_C(2393127307), UINT64_C(2341847524), UINT64_C(2291666561),
    UINT64_C(2242560872), UINT64_C(2194507417),
};
static const uint64_t fine[32] = {
    UINT64_C(4294967296), UINT64_C(4292061010), UINT64_C(4289156690), UINT64_C(4286254336), UINT64_C(4283353945),
    UINT64_C(4280455518), UINT64_C(4277559051), UINT64_C(4274664544), UINT64_C(4271771996), UINT64_C(4268881406),
    UINT64_C(4265992771), UINT64_C(4263106091), UINT64_C(4260221365), UINT64_C(4257338590), UINT64_C(4254457766),
    UINT64_C(4251578891), UINT64_C(4248701965), UINT64_C(4245826985), UINT64_C(4242953951), UINT64_C(4240082861),
    UINT64_C(4237213713), UINT64_C(4234346507), UINT64_C(4231481241), UINT64_C(4228617914), UINT64_C(4225756525),
    UINT64_C(4222897072), UINT64_C(4220039553), UINT64_C(4217183969), UINT64_C(4214330316), UINT64_C(4211478595),
    UINT64_C(4208628803), UINT64_C(4205780940),
};

__extension__ typedef unsigned __int128 wide;

/* 2^-fraction of ONE, for a fraction (of ONE) below one. */
static uint64_t power(uint64_t fraction)
{
    uint64_t rest = (fraction & ((UINT64_C(1) << (FRACTION - 10)) - 1)) * LN2 >> FRACTION;
    uint64_t table = coarse[fraction >> (FRACTION - 5)] * (wide)fine[fraction >> (FRACTION - 10) & 31] >> FRACTION;
    uint64_t series = ONE - rest + (rest * rest >> (FRACTION + 1));
    return (uint64_t)((wide)table * series >> FRACTION);
}

weight weight_fade(weight amount, duration elapsed, duration half_life)
{
    if (elapsed <= 0 || amount <= 0)
        return amount > 0 ? amount : 0;
    duration halves = elapsed / half_life, rest = elapsed % half_life;
    if (halves >= 48)
        return 0;
    uint64_t fraction = (uint64_t)(((wide)(uint64_t)rest << FRACTION) / (uint64_t)half_life);
    uint64_t faded = (uint64_t)(((wide)(uint64_t)amount * power(fraction) + ONE / 2) >> FRACTION);
    return (weight)(faded >> halves);
}

points weight_points(weight amount)
{
    return (points)((amount + WEIGHT_ONE / 2) / WEIGHT_ONE);
}

weight account_at(const struct account *account, moment time, duration half_life)
{
    return weight_fade(account->amount, time - account->added, half_life);
}

points account_add(struct account *account, points added, int32_t millionths, points most, moment time,
                   duration half_life)
{
    weight before = account_at(account, time, half_life);
    weight after = before + (weight)added * millionths * WEIGHT_ONE / 1000000;
    if (after > (weight)most * WEIGHT_ONE)
        after = before > (weight)most * WEIGHT_ONE ? before : (weight)most * WEIGHT_ONE;
    if (after < 0)
        after = 0;
    account->amount = after;
    if (time > account->added)
        account->added = time;
    return weight_points(after) - weight_points(before);
}
