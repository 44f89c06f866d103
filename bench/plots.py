"""Plots as hand-written SVG: bars for light and dark pages."""

from html import escape

WIDTH = 900
LABEL = 370       # pixels for the words on the left
BAR = 20
STEP = 32
VALUE = 175       # pixels for the figure on the right
STYLE = """
  .page { fill: #ffffff; }
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .small { font-size: 11px; fill: #57606a; }
  .good { fill: #2da44e; } .bad { fill: #cf222e; }
  .own { fill: #0969da; } .peer { fill: #8c959f; } .user { fill: #0969da; } .system { fill: #bf8700; }
  .peer-user { fill: #8c959f; } .peer-system { fill: #c9b06a; }
  .must { stroke: #24292f; stroke-width: 2; } .aim { stroke: #24292f; stroke-width: 2; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; }
    text { fill: #e6edf3; } .small { fill: #9da7b3; } .must, .aim { stroke: #e6edf3; }
    .good { fill: #3fb950; } .bad { fill: #f85149; } .own, .user { fill: #58a6ff; } .system { fill: #d29922; }
  }
"""
OVERVIEW_TOP = 2.5  # times the required figure; longer bars are cut there


class Drawing:
    """Collects shapes downwards; `room` pixels stand for `top`."""

    def __init__(self, title):
        self.title = title
        self.shapes = []
        self.y = 0
        self.room = WIDTH - LABEL - VALUE
        self.text(0, title, "title")
        self.y += 14

    def text(self, x, words, style="", anchor="start", down=18):
        self.shapes.append(f'<text class="{style}" x="{x:.1f}" y="{self.y + down}" text-anchor="{anchor}">'
                           f'{escape(words)}</text>')

    def bar(self, label, parts, top, figure, aligned=False):
        """One line: `parts` are (value, class), put one after another; the figure stands behind them, or aligned."""
        self.y += STEP
        self.text(LABEL - 8, label, anchor="end", down=5)
        x = LABEL
        for value, style in parts:
            width = max(0.0, min(value, top) / top * self.room)
            self.shapes.append(f'<rect class="{style}" x="{x:.1f}" y="{self.y - BAR / 2:.1f}" width="{width:.1f}" '
                               f'height="{BAR}" rx="2"/>')
            x += width
        self.text((LABEL + self.room if aligned else x) + 6, figure, down=5)

    def line(self, value, top, style, first_y):
        x = LABEL + min(value, top) / top * self.room
        self.shapes.append(f'<line class="{style}" x1="{x:.1f}" x2="{x:.1f}" y1="{first_y}" y2="{self.y + 14}"/>')

    def heading(self, words):
        self.y += STEP
        self.text(LABEL, words, "small", down=8)

    def svg(self):
        height = self.y + 34
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img" '
                f'viewBox="-10 -4 {WIDTH + 20} {height}" aria-label="{escape(self.title)}">\n<style>{STYLE}</style>\n'
                f'<rect class="page" x="-10" y="-4" width="{WIDTH + 20}" height="{height}"/>\n'
                + "\n".join(self.shapes) + "\n</svg>\n")


def overview(document):
    """Every target as a share of what must be reached: 1 and longer is reached, whichever direction is better."""
    drawing = Drawing("Targets: 1 is what must be reached, longer is better; dashed: what is aimed at")
    first_y = drawing.y + 14
    for row in document["rows"]:
        for one in row["targets"]:
            share = share_of(one["value"], one)
            figure = f"{one['value']:,.3g}" if one["value"] < 1000 else f"{one['value']:,.0f}"
            drawing.bar(f"{row['row']}: {one['what']}", [(share, "good" if one["reached"] else "bad")],
                        OVERVIEW_TOP, f"{figure} ({one['bound']}){'' if one['reached'] else ' missed'}", aligned=True)
            if one["aims_at"]:
                x_share = share_of(one["aims_at"], one)
                if x_share <= OVERVIEW_TOP:
                    drawing.line(x_share, OVERVIEW_TOP, "aim", drawing.y - 14)
    drawing.line(1, OVERVIEW_TOP, "must", first_y)
    return drawing.svg()


def share_of(value, target):
    if target["higher"]:
        return value / target["limit"]
    return target["limit"] / value if value > 0 else OVERVIEW_TOP


def bars_of(row):
    """Requests/s and CPU of each server of one row; none when the row has no requests."""
    measured = {name: one for name, one in row["figures"].items() if "requests_per_s" in one}
    if not measured:
        return None
    drawing = Drawing(f"{row['row']}: {row['title']}")
    own = {name: not name.startswith(("nginx", "R0")) for name in measured}
    figure = "events_per_s" if any("events_per_s" in one for one in measured.values()) else "requests_per_s"
    unit = "events/s" if figure == "events_per_s" else "requests/s"
    absolute = [one for one in row["targets"] if one["what"] in ("requests/s", "claims/s", "events/s")]
    top = 1.05 * max([one[figure] for one in measured.values()] + [one["limit"] for one in absolute])
    drawing.heading(f"{unit}" + ("; solid: must be reached, dashed: aimed at" if absolute else ""))
    first_y = drawing.y + 14
    for name, one in measured.items():
        drawing.bar(name, [(one[figure], "own" if own[name] else "peer")], top, f"{one[figure]:,.0f}")
        for shipped, when in (("shipped_per_s", "meanwhile"), ("shipped_alone_per_s", "afterwards")):
            if shipped in one:
                drawing.bar(f"shipped to the store {when}", [(one[shipped], "peer")], top, f"{one[shipped]:,.0f}")
    for one in absolute:
        drawing.line(one["limit"], top, "must", first_y)
        if one["aims_at"] and one["aims_at"] <= top:
            drawing.line(one["aims_at"], top, "aim", first_y)
    with_cpu = {name: one for name, one in measured.items() if "cpu_us" in one}
    top = 1.05 * max(one["cpu_us"] for one in with_cpu.values())
    drawing.heading("the server's CPU, µs for a request: user, then system")
    for name, one in with_cpu.items():
        before = "" if own[name] else "peer-"
        drawing.bar(name, [(one["cpu_user_us"], before + "user"), (one["cpu_system_us"], before + "system")], top,
                    f"{one['cpu_us']:,.1f}")
    return drawing.svg()


def write_all(document, directory):
    directory.mkdir(exist_ok=True)
    (directory / "targets.svg").write_text(overview(document))
    for row in document["rows"]:
        drawn = bars_of(row)
        if drawn:
            (directory / f"{row['row']}.svg").write_text(drawn)
