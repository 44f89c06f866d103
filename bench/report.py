"""Figures as text: what a run prints, the tables for a document, and two runs side by side."""

# (figure, heading, format) of rounds with requests, in this order.
COLUMNS = (
    ("requests_per_s", "requests/s", "{:,.0f}"),
    ("p50_ms", "p50 ms", "{:.2f}"),
    ("p99_ms", "p99 ms", "{:.2f}"),
    ("p999_ms", "p99.9 ms", "{:.2f}"),
    ("errors", "errors", "{:,.0f}"),
    ("cpu_us", "CPU s / 1,000", "{:.4f}"),
    ("cpu_user_us", "user", "{:.4f}"),
    ("cpu_system_us", "system", "{:.4f}"),
    ("system_calls", "system calls", "{:.2f}"),
    ("peak_rss_mib", "peak MiB", "{:,.0f}"),
)
PER_THOUSAND = ("cpu_us", "cpu_user_us", "cpu_system_us")
MORE = {
    "store_cpu_us": ("the database's CPU s / 1,000", 1e-3),
    "events_per_s": ("events accepted/s", 1),
    "shipped_per_s": ("shipped/s meanwhile", 1),
    "shipped_alone_per_s": ("shipped/s when no more came", 1),
    "claims": ("claims", 1),
    "events": ("events", 1),
    "connections": ("connections", 1),
    "database_connections": ("database connections", 1),
    "generator_lag_p99_ms": ("generator late by itself, p99 ms", 1),
}


def cell(figures, name, form):
    if name not in figures:
        return "–"
    # Microseconds a request are thousandths of a second for 1,000 of them.
    return form.format(figures[name] * (1e-3 if name in PER_THOUSAND else 1))


def number(value):
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"


def lines_of_servers(row):
    """Headings, and one list of cells for each server that had requests."""
    measured = {name: one for name, one in row["figures"].items() if "requests_per_s" in one}
    lines = [["", *(heading for _, heading, _ in COLUMNS)]] if measured else []
    return lines + [[name, *(cell(one, figure, form) for figure, _, form in COLUMNS)] for name, one in measured.items()]


def further_of(row):
    """Figures without a column, one line for each server."""
    shown = {name for name, _, _ in COLUMNS} | {"requests"}
    for server, figures in row["figures"].items():
        rest = [f"{MORE.get(name, (name.replace('_', ' '), 1))[0]} {number(value * MORE.get(name, ('', 1))[1])}"
                for name, value in figures.items() if name not in shown]
        if rest:
            yield f"{server}: {', '.join(rest)}"


def print_row(row):
    print(f"\n{row['row']}: {row['title']}   ({row['took_s']:.0f} s)")
    lines = lines_of_servers(row)
    widths = [max(len(line[n]) for line in lines) for n in range(len(COLUMNS) + 1)] if lines else []
    for line in lines:
        print("  " + "  ".join(text.ljust(width) if n == 0 else text.rjust(width)
                               for n, (text, width) in enumerate(zip(line, widths))))
    for text in further_of(row):
        print(f"  {text}")
    for one in row["targets"]:
        aims = f"; aims at {one['aim']}" if one["aim"] else ""
        print(f"  {'reached' if one['reached'] else 'MISSED '}  {one['what']}: {number(one['value'])} "
              f"(must be {one['bound']}{aims})")
    for note in row["notes"]:
        print(f"  {note}")
    print(end="", flush=True)


# -- for a document ------------------------------------------------------------------------------


def table(lines, left=1):
    """Lines of cells as a Markdown table whose first `left` columns are words."""
    head, *rest = lines
    rule = ["---" if n < left else "---:" for n in range(len(head))]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *rest))


def machine_line(document):
    about = document["machine"]
    settings = "".join(f"; {key}={value}" for key, value in document["settings"].items())
    return (f"{document['at']}, {about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, load before "
            f"{about['load_before']:.2f}; {document['rounds']} rounds of {document['seconds']} s{settings}"
            f"{'; QUICK: these figures mean nothing' if document['quick'] else ''}"
            f"{'' if document.get('complete', True) else '; ENDED EARLY: rows are missing'}")


def markdown(document):
    parts = [f"{machine_line(document)}.\n"]
    targets = [["row", "figure", "measured", "must reach", "aims at", ""]]
    for row in document["rows"]:
        targets += [[f"`{row['row']}`", one["what"], number(one["value"]), one["bound"], one["aim"] or "–",
                     "reached" if one["reached"] else "**missed**"] for one in row["targets"]]
    parts.append(table(targets, 2))
    for row in document["rows"]:
        parts.append(f"### `{row['row']}`: {row['title']}\n")
        lines = lines_of_servers(row)
        if lines:
            parts.append(table(lines))
        texts = [*further_of(row), *row["notes"]]
        if texts:
            parts.append("".join(f"- {text}\n" for text in texts))
    return "\n".join(parts)


# -- two runs ------------------------------------------------------------------------------------


def comparison(old, new):
    """A table of every figure that both runs have, with the ratio and whether the rounds' ranges overlap."""
    lines = [["row", "server or target", "figure", "old", "new", "new / old", "apart?"]]
    before = {row["row"]: row for row in old["rows"]}
    for row in new["rows"]:
        past = before.get(row["row"])
        if past:
            lines += list(compared_figures(past, row)) + list(compared_targets(past, row))
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    body = "\n".join("  ".join(text.ljust(width) if n < 3 else text.rjust(width)
                               for n, (text, width) in enumerate(zip(line, widths))) for line in lines)
    missing = [name for name in before if name not in {row["row"] for row in new["rows"]}]
    missing += [row["row"] for row in new["rows"] if row["row"] not in before]
    alone = f"\nOnly in one of them: {', '.join(missing)}." if missing else ""
    return (f"old: {machine_line(old)}\nnew: {machine_line(new)}\n\n{body}\n{alone}\n"
            "\"apart\": the ranges of the rounds do not overlap; \"noise?\": they do, so the difference may be\n"
            "the machine's. Figures of different machines, or of a busy one, say little; the ratios to nginx, more.")


def compared_figures(past, row):
    for server, figures in row["figures"].items():
        others = past["figures"].get(server)
        if others is None:
            continue
        for name in ("requests_per_s", "p99_ms", "cpu_us", "system_calls", "peak_rss_mib"):
            if name in figures and others.get(name):
                apart = ranges_apart(past["rounds"].get(server, {}).get(name), row["rounds"].get(server, {}).get(name))
                yield [row["row"], server, name, number(others[name]), number(figures[name]),
                       f"{figures[name] / others[name]:.3f}", apart]


def compared_targets(past, row):
    others = {one["what"]: one for one in past["targets"]}
    for one in row["targets"]:
        other = others.get(one["what"])
        if other and other["value"]:
            reached = "" if one["reached"] == other["reached"] else "now reached" if one["reached"] else "NOW MISSED"
            yield [row["row"], one["what"], one["bound"], number(other["value"]), number(one["value"]),
                   f"{one['value'] / other['value']:.3f}", reached]


def ranges_apart(old, new):
    if not old or not new or len(old) < 2 or len(new) < 2:
        return ""
    return "apart" if max(old) < min(new) or max(new) < min(old) else "noise?"
