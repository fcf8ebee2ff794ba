"""A headless Chromium, and what a page is measured with in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
Scheme = Literal["light", "dark"]


def program() -> str | None:
    """The browser of this machine. Playwright's own is not downloaded."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def running(executable: str) -> Iterator[Browser]:
    """The browser, closed at the end of the block."""
    # Root has no sandbox, and a small machine little shared memory.
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page in a window of a given width, with everything that it complained about."""

    def __init__(self, browser: Browser, *, width: int, scheme: Scheme = "light") -> None:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            device_scale_factor=1,
            offline=True,
        )
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def go(self, file: Path) -> None:
        self.page.goto(file.as_uri(), wait_until="load")

    def overflowing(self) -> list[str]:
        """Elements that reach beyond the right edge, and the page itself if it scrolls."""
        found: list[str] = self.page.evaluate(OVERFLOWING)
        return found

    def pale_texts(self) -> list[dict[str, Any]]:
        """Texts whose contrast with what is behind them is below WCAG AA."""
        found: list[dict[str, Any]] = self.page.evaluate(PALE_TEXTS)
        return found

    def focus(self) -> dict[str, Any]:
        """What has the focus, and whether that can be seen."""
        found: dict[str, Any] = self.page.evaluate(FOCUS)
        return found


OVERFLOWING = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > wide) found.push('the page scrolls sideways');
  for (const e of document.body.querySelectorAll('*')) {
    const head = e.closest('thead');
    if (head && getComputedStyle(head).position === 'absolute') continue;
    const box = e.getBoundingClientRect();
    if (box.width && (box.right > wide + 0.5 || (box.left < -0.5 && !e.closest('.skip'))))
      found.push(e.tagName + '.' + e.getAttribute('class') + ': ' + e.textContent.slice(0, 40));
  }
  for (const t of document.querySelectorAll('svg text')) {
    const box = t.getBBox(), v = t.ownerSVGElement.viewBox.baseVal;
    if (box.x < 0 || box.x + box.width > v.width) found.push('svg text: ' + t.textContent);
  }
  return found;
}"""

PALE_TEXTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = c.map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const paper = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return rgba('Canvas');
  };
  const behind = (text) => {
    text.scrollIntoView({block: 'center'});
    const box = text.getBoundingClientRect();
    const under = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const shape = under.find(e => e.tagName === 'rect' && getComputedStyle(e).fill !== 'none');
    return shape ? rgba(getComputedStyle(shape).fill) : paper(text.closest('svg').parentElement);
  };
  const found = [], seen = [];
  const note = (words, ink, ground, size, bold) => {
    const ratio = contrast(ink, ground), large = size >= 24 || (bold && size >= 18.66);
    seen.push(words);
    if (ratio < (large ? 3 : 4.5)) found.push({words, ratio});
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.textContent.trim(), e = walker.currentNode.parentElement;
    if (!words || e.closest('svg') || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    note(words, rgba(style.color), paper(e), parseFloat(style.fontSize), style.fontWeight >= 700);
  }
  for (const e of document.querySelectorAll('*')) for (const which of ['::before', '::after']) {
    const style = getComputedStyle(e, which);
    if (style.content === 'none' || style.content === '""' || !e.checkVisibility()) continue;
    note(style.content, rgba(style.color), paper(e), parseFloat(style.fontSize), false);
  }
  for (const text of document.querySelectorAll('svg text')) {
    const style = getComputedStyle(text);
    note(text.textContent, rgba(style.fill), behind(text), parseFloat(style.fontSize), false);
  }
  if (!seen.length) found.push({words: 'no text was found', ratio: 0});
  return found;
}"""

FOCUS = """() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  return {
    words: e.textContent.trim(), tag: e.tagName,
    seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
      && box.width > 0 && box.left >= 0 && box.right <= innerWidth,
  };
}"""
