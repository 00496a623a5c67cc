"""When clocks change, by readers that share no code with the crate: Python's zoneinfo for time zones, its
calendar for the forms that phones read.

Arguments: two moments in Unix seconds. Standard input: a question a line. For each comes a line with the
offset (seconds east of UTC) at the first moment, and behind it MOMENT:OFFSET for each change before the
second moment.

  file PATH                              a TZif file
  posix RULE                             a POSIX TZ string
  hours OFFSET SAVE START END            month/week/weekday/hour, Monday 1 to Sunday 7
  minutes OFFSET SAVE START END          month/week/weekday/minute, Sunday 0 to Saturday 6
  line OFFSET RULE                       start=month/day/weekday/h:m:s;end=...;save=h:m:s
  file-of FAMILY                         the parameters of a phone's file: behind each tab NAME=VALUE
"""

import datetime
import io
import struct
import sys
import zoneinfo

DAY = 86400
EPOCH = datetime.date(1970, 1, 1)
SINCE, UNTIL = map(int, sys.argv[1:])


def asked(zone):
    """The changes of a zone, looked for day by day and then to the second."""

    def offset(moment):
        return int(datetime.datetime.fromtimestamp(moment, zone).utcoffset().total_seconds())

    changes = []
    for day in range(SINCE, UNTIL, DAY):
        before, after = day, min(day + DAY, UNTIL - 1)
        if offset(before) == offset(after):
            continue
        while after - before > 1:
            middle = (before + after) // 2
            if offset(middle) == offset(day):
                before = middle
            else:
                after = middle
        changes.append((after, offset(after)))
    return offset(SINCE), changes


def posix(rule):
    """A TZif file (RFC 9636) that has nothing but a rule."""
    block = b"TZif2" + bytes(15) + struct.pack(">6L", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"
    return zoneinfo.ZoneInfo.from_file(io.BytesIO(block + block + b"\n" + rule.encode() + b"\n"))


def weekdays(year, month, iso_weekday):
    """All days of a month that are such a weekday."""
    first = datetime.date(year, month, 1)
    days = (first + datetime.timedelta(days=day) for day in range(31))
    return [day for day in days if day.month == month and day.isoweekday() == iso_weekday]


def by_week(text, unit, sunday):
    month, week, weekday, time = map(int, text.split("/"))
    iso_weekday = 7 if weekday == sunday else weekday
    assert 1 <= week <= 5 and 1 <= iso_weekday <= 7 and 0 <= time * unit < DAY, text

    def moment(year):
        days = weekdays(year, month, iso_weekday)
        return (days[-1] if week == 5 else days[week - 1]), time * unit

    return moment


def clock(text):
    hours, minutes, seconds = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def by_day(text):
    month, day, weekday, time = text.split("/")
    month, day, weekday = int(month), int(day), int(weekday)
    assert (day == -1 or 1 <= day <= 31) and 1 <= weekday <= 7 and 0 <= clock(time) < DAY, text

    def moment(year):
        days = weekdays(year, month, weekday)
        return (days[-1] if day == -1 else min(d for d in days if d.day >= day)), clock(time)

    return moment


def told(standard, save, start, end):
    """The changes that a phone makes of what it was told."""
    changes = []
    for year in range(1970 + SINCE // (366 * DAY) - 2, 1970 + UNTIL // (365 * DAY) + 2):
        for (day, time), before, after in (
            (start(year), standard, standard + save),
            (end(year), standard + save, standard),
        ):
            changes.append(((day - EPOCH).days * DAY + time - before, after))
    changes.sort()
    first = [offset for moment, offset in changes if moment <= SINCE][-1]
    return first, [change for change in changes if SINCE < change[0] < UNTIL]


def at_weekday(month, week, iso_weekday, second):
    """Such a weekday of a month: 1 to 4 from its beginning, -1 and -2 from its end."""
    assert 1 <= iso_weekday <= 7 and 0 <= second < DAY
    return lambda year: (weekdays(year, month, iso_weekday)[week - 1 if week > 0 else week], second)


def from_sunday_one(number):
    """The weekday of a number that is 1 for Sunday."""
    assert 1 <= number <= 7
    return number - 1 or 7


def mitel(of):
    """Guides of the 6700i (A-46 to A-53): minutes west, weeks from -5 to 5, Sunday 1."""
    assert of["time zone name"] == "Custom"
    standard = -int(of["time zone minutes"]) * 60
    if of["dst config"] == "0":
        return standard, None
    assert (of["dst config"], of["dst [start|end] relative date"]) == ("3", "1")
    assert 0 <= int(of["dst minutes"]) <= 60

    def change(end):
        month, week, day, hour = (int(of[f"dst {end} {what}"]) for what in ("month", "week", "day", "hour"))
        # A full week begins on a Sunday, so of the others the first is not always in it.
        assert week == -1 or 1 <= week <= 4 and day == 1
        return at_weekday(month, week, from_sunday_one(day), hour * 3600)

    return standard, (int(of["dst minutes"]) * 60, change("start"), change("end"))


def poly(of):
    """Guides of SIP 2.0.3 and 2.2.0: seconds east, 1, 8, 15 or 22 for the first to the fourth weekday, Sunday 1."""
    of = {name.removeprefix("tcpIpApp.sntp."): value for name, value in of.items()}
    standard = int(of["gmtOffset"])
    assert of["gmtOffset.overrideDHCP"] == "1"
    if of["daylightSavings.enable"] == "0":
        return standard, None
    assert (of["daylightSavings.enable"], of["daylightSavings.fixedDayEnable"]) == ("1", "0")

    def change(end):
        name = f"daylightSavings.{end}."
        iso_weekday, hour = from_sunday_one(int(of[name + "dayOfWeek"])), int(of[name + "time"])
        week = -1 if of[name + "dayOfWeek.lastInMonth"] == "1" else {1: 1, 8: 2, 15: 3, 22: 4}[int(of[name + "date"])]
        return at_weekday(int(of[name + "month"]), week, iso_weekday, hour * 3600)

    return standard, (3600, change("start"), change("stop"))


def snom(of):
    """Seconds east; seconds, month.week.weekday and the time twice; the fifth week is the last, Sunday 7."""
    assert of["timezone"] == ""
    if not of["dst"]:
        return int(of["utc_offset"]), None
    save, *words = of["dst"].split(" ")

    def change(day, time):
        month, week, weekday = map(int, day.split("."))
        assert 1 <= week <= 5
        return at_weekday(month, -1 if week == 5 else week, weekday, clock(time))

    return int(of["utc_offset"]), (int(save), change(*words[:2]), change(*words[2:]))


def snom_m(of):
    """Provisioning guide of M300 and M700 (page 16): 1 to 3, 4 for the last but one, 5 for the last, Sunday 1."""
    sign = 1 if "+" in of["timezone"] else -1
    standard = sign * int(float(of["timezone"].replace("-", "+").split("+")[1]) * 3600)
    assert of["timezone_by_country_region"] == of["dst_by_country_region"] == "off"
    if of["dst_enable"] == "off":
        return standard, None
    assert (of["dst_enable"], of["dst_fixed_day_enable"]) == ("auto", "off")

    def change(end):
        month, hour, day, week = (
            int(of[f"dst_{end}_{what}"]) for what in ("month", "time", "day_of_week", "wday_last_in_month")
        )
        return at_weekday(month, {1: 1, 2: 2, 3: 3, 4: -2, 5: -1}[week], from_sunday_one(day), hour * 3600)

    return standard, (3600, change("start"), change("stop"))


def fanvil(of):
    """Quarters of an hour east; the fifth week is the last, Sunday 0. Names in one word, or several."""
    of = {name.replace("_", "").replace(" ", ""): value for name, value in of.items()}
    standard = int(of["TimeZone"]) * 900
    label = of.get("TimeZoneName")
    assert (label is None) == (standard % 3600 != 0)
    assert label is None or int(label.removeprefix("UTC") or "0") * 3600 == standard
    summer = {of[name] for name in ("EnableDST", "DSTType") if name in of}
    if summer == {"0"}:
        return standard, None
    assert summer == {"2"} and of.get("DSTFixedType", "2") == "2"
    assert 0 < int(of["DSTMinOffset"]) <= 60

    def change(end):
        month, week, day, hour = (int(of[f"DST{end}{what}"]) for what in ("Mon", "Week", "Wday", "Hour"))
        assert 1 <= week <= 5 and 0 <= day <= 6
        return at_weekday(month, -1 if week == 5 else week, day or 7, hour * 3600)

    return standard, (int(of["DSTMinOffset"]) * 60, change("Start"), change("End"))


# The vendor's template for the N510: hours east of UTC by code.
GIGASET = dict(zip(
    (0x00, 0x01, 0x02, 0x03, 0x04, 0x07, 0x09, 0x0D, 0x0F, 0x15, 0x16, 0x18, 0x1A, 0x1B, 0x20, 0x28, 0x2B, 0x2E, 0x33,
     0x37, 0x3A, 0x3D, 0x43),
    range(-12, 11),
))  # fmt: skip


def gigaset(of):
    """No rule of summer time is published, so it is off."""
    of = {name.split(".")[-1]: value for name, value in of.items()}
    assert of["ucB_TIME_USE_AUTOMATIC_DST"] == "0x0"
    return GIGASET[int(of["uiI_TIME_TIMEZONE"], 16)] * 3600, None


def hours(text):
    """Hours and minutes east: +5:30, -3, 0."""
    sign = -1 if text.startswith("-") else 1
    whole, _, minutes = text.lstrip("+-").partition(":")
    assert int(minutes or "0") < 60
    return sign * (int(whole) * 3600 + int(minutes or "0") * 60)


def yealink(of):
    """Guide of V86: hours east; month, week (5 is the last), weekday (7 is Sunday) and hour; minutes."""
    of = {name.removeprefix("local_time."): value for name, value in of.items()}
    standard = hours(of["time_zone"])
    if of["summer_time"] == "0":
        return standard, None
    assert (of["summer_time"], of["dst_time_type"]) == ("1", "1")
    start, end = (by_week(of[f"{end}_time"], 3600, 7) for end in ("start", "end"))
    return standard, (int(of["offset_time"]) * 60, start, end)


def cisco(of):
    """Administration guides: GMT+01:00; start=month/day/weekday/time, the same for end, and what is added."""
    assert of["Time_Zone"].startswith("GMT")
    standard = hours(of["Time_Zone"].removeprefix("GMT"))
    if of["Daylight_Saving_Time_Enable"] == "No":
        return standard, None
    assert of["Daylight_Saving_Time_Enable"] == "Yes"
    parts = dict(part.split("=") for part in of["Daylight_Saving_Time_Rule"].split(";") if part)
    return standard, (clock(parts["save"]), by_day(parts["start"]), by_day(parts["end"]))


def panasonic(of):
    """Minutes east; month, week (5 is the last), weekday (0 is Sunday) and minutes after midnight; minutes."""
    standard = int(of["TIME_ZONE"]) * 60
    if of["DST_ENABLE"] == "N":
        return standard, None
    assert of["DST_ENABLE"] == "Y"

    def change(end):
        names = ("MONTH", "ORDINAL_DAY", "DAY_OF_WEEK", "TIME")
        return by_week("/".join(of[f"DST_{end}_{name}"] for name in names), 60, 0)

    return standard, (int(of["DST_OFFSET"]) * 60, change("START"), change("STOP"))


# Of phones that read a POSIX TZ string: where it is.
POSIX = {"gxp": "P64", "gxp-v2": "dateTime.timezone", "ht": "P64"}

FILES = {
    "yealink": yealink,
    "yealink-v80": yealink,
    "spa": cisco,
    "mpp": cisco,
    "ut": panasonic,
    "uds124": panasonic,
    "tgp500": panasonic,
    "hdv": panasonic,
    "utg": panasonic,
    "gigaset-n510": gigaset,
    "gigaset-n720": gigaset,
    "mitel": mitel,
    "poly": poly,
    "snom": snom,
    "snom-m": snom_m,
    "fanvil": fanvil,
    "fanvil-x": fanvil,
    "fanvil-text": fanvil,
}


def answer(question):
    kind, rest = question.split(" ", 1)
    if kind == "file-of":
        family, *parameters = rest.split("\t")
        of = dict(parameter.split("=", 1) for parameter in parameters)
        if family in POSIX:
            return asked(posix(of[POSIX[family]]))
        standard, summer = FILES[family](of)
        return told(standard, *summer) if summer else (standard, [])
    if kind == "file":
        with open(rest, "rb") as file:
            return asked(zoneinfo.ZoneInfo.from_file(file))
    if kind == "posix":
        return asked(posix(rest))
    words = rest.split(" ")
    if kind == "line":
        parts = dict(part.split("=") for part in words[1].split(";"))
        return told(int(words[0]), clock(parts["save"]), by_day(parts["start"]), by_day(parts["end"]))
    unit, sunday = {"hours": (3600, 7), "minutes": (60, 0)}[kind]
    start, end = (by_week(text, unit, sunday) for text in words[2:])
    return told(int(words[0]), int(words[1]), start, end)


for line in sys.stdin.read().splitlines():
    first, changes = answer(line)
    print(first, *(f"{moment}:{offset}" for moment, offset in changes))
