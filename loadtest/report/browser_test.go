package report

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browser finds one that is installed. Without one a test is skipped, but not
// in CI, where .ci/run installs it.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no chromium, chromium-browser or google-chrome here to open the page with; install one: apt-get install chromium"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// probe is put at the end of a page to look at it from inside: what is painted,
// whether the cursors are tied together, and whether anything sticks out.
const probe = `<script>setTimeout(function () {
  const seen = document.documentElement.dataset, canvases = document.querySelectorAll('.plot canvas');
  let painted = 0;
  canvases.forEach(function (c) {
    const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
    let ink = 0;
    for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) ink++;
    if (ink > 200) painted++;
  });
  seen.probeCanvases = canvases.length;
  seen.probePainted = painted;
  seen.probeTied = typeof uPlot === 'undefined' ? 0 : uPlot.sync('time').plots.length;
  seen.probeTimePlots = document.querySelectorAll('[data-plot]').length;
  let out = 0, who = '';
  document.querySelectorAll('main *, aside, #broken').forEach(function (e) {
    if (e.closest('.wide, pre, .uplot, noscript')) return;
    const box = e.getBoundingClientRect();
    if (box.width > 0 && (box.right > innerWidth + 1 || box.left < -1)) { out++; who = e.outerHTML.slice(0, 80); }
  });
  seen.probeOut = out;
  seen.probeWho = who;
  seen.probeWidth = innerWidth;
  seen.probeScroll = document.documentElement.scrollWidth;
}, 0);</script>`

// frame holds the page as wide as said: a window has a least width of its own.
// Its script takes over what the page says about itself.
const frame = `<!doctype html><html><body><iframe style="border:0;width:%dpx;height:2000px" srcdoc="%s"></iframe>
<script>addEventListener('load', function () {
  setTimeout(function () { Object.assign(document.documentElement.dataset, document.querySelector('iframe').contentDocument.documentElement.dataset); }, 200);
});</script></body></html>`

// look opens a page without a window, as wide as said, and gives the data
// attributes of its root after its scripts ran.
func look(t *testing.T, page []byte, width int) map[string]string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	i := bytes.LastIndex(page, []byte("</body>"))
	if i < 0 {
		t.Fatal("the page has no end")
	}
	whole := append(append(bytes.Clone(page[:i]), probe...), page[i:]...)
	if err := os.WriteFile(file, fmt.Appendf(nil, frame, width, html.EscapeString(string(whole))), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser(t), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
		"--hide-scrollbars", "--user-data-dir="+filepath.Join(dir, "profile"), "--window-size=1400,2000", "--virtual-time-budget=5000", "--dump-dom", "file://"+file)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd.Path, err, complaints(errs.String()))
	}
	root := regexp.MustCompile(`<html[^>]*>`).Find(out)
	seen := map[string]string{}
	for _, m := range regexp.MustCompile(`data-([a-z-]+)="([^"]*)"`).FindAllStringSubmatch(string(root), -1) {
		seen[m[1]] = html.UnescapeString(m[2])
	}
	if seen["probe-canvases"] == "" {
		t.Fatalf("the page was not looked at; its root is %s\n%s", root, complaints(errs.String()))
	}
	return seen
}

// complaints are what a browser says on a machine with no desktop, without its
// complaints that there is none.
func complaints(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "dbus") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// faults is what is wrong with a page that should have drawn so many plots.
func faults(seen map[string]string, plots, timePlots, width int) (wrong []string) {
	for name, want := range map[string]int{"errors": 0, "plots": plots, "wanted": plots, "probe-canvases": plots, "probe-painted": plots,
		"probe-tied": timePlots, "probe-time-plots": timePlots, "probe-out": 0, "probe-width": width} {
		if seen[name] != strconv.Itoa(want) {
			wrong = append(wrong, name+" is "+seen[name]+", want "+strconv.Itoa(want))
		}
	}
	if seen["ready"] != "true" {
		wrong = append(wrong, "the script did not reach its end")
	}
	if n, err := strconv.Atoi(seen["probe-scroll"]); err != nil || n > width {
		wrong = append(wrong, "the page is "+seen["probe-scroll"]+" wide in a window of "+strconv.Itoa(width))
	}
	if len(wrong) > 0 {
		wrong = append(wrong, "error: "+seen["error"], "out: "+seen["probe-who"])
	}
	return wrong
}

// The pages are opened in a browser, wide and narrow: every plot is painted,
// no script fails, nothing sticks out.
func TestPagesInABrowser(t *testing.T) {
	browser(t)
	for _, c := range []struct {
		name             string
		result           *Result
		width            int
		plots, timePlots int
	}{
		{"passed", sample(t, "passed"), 1280, 16, 15},
		{"wrong", sample(t, "wrong"), 420, 16, 15},
		{"interrupted", sample(t, "interrupted"), 1280, 1, 1},
		{"poisoned", poisoned(t), 1280, 16, 15},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page, err := Page(c.result)
			if err != nil {
				t.Fatal(err)
			}
			if wrong := faults(look(t, page, c.width), c.plots, c.timePlots, c.width); wrong != nil {
				t.Error(strings.Join(wrong, "\n"))
			}
		})
	}
}

// The test above is worth what it sees: pages that are broken on purpose.
func TestABrokenPageIsSeen(t *testing.T) {
	browser(t)
	page, err := Page(sample(t, "wrong"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ story, from, to, want string }{
		{"an error in the script", "function axis(", "function axes(", "error: "},
		{"a plot is left out", "  draw();\n  root.dataset.ready", "  document.querySelector('[data-plot=\"3\"]').removeAttribute('data-plot');\n  draw();\n  root.dataset.ready", "probe-painted is 15"},
	} {
		t.Run(c.story, func(t *testing.T) {
			t.Parallel()
			broken := bytes.Replace(page, []byte(c.from), []byte(c.to), 1)
			if bytes.Equal(broken, page) {
				t.Fatalf("%q is not in the page any more", c.from)
			}
			wrong := strings.Join(faults(look(t, broken, 1280), 16, 15, 1280), "\n")
			if !strings.Contains(wrong, c.want) {
				t.Errorf("want %q, got\n%s", c.want, wrong)
			}
		})
	}
}
