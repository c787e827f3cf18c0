package report

import "testing"

func TestSpan(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 s", 1e-6: "1.00 us", 12.34e-6: "12.3 us", 999.4e-6: "999 us", 999.6e-6: "1.00 ms", 1.2345e-3: "1.23 ms", 12.345e-3: "12.3 ms",
		99.96e-3: "100 ms", 999.4e-3: "999 ms", 999.6e-3: "1.00 s", 9.996: "10.0 s", 61.2: "61.2 s", 3600: "3,600 s", -.002: "-2.00 ms", 4e-7: "0.4 us",
	} {
		if got := span(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 %", 1: "100 %", .5: "50 %", .1234: "12.3 %", .9995: "99.95 %", .99: "99 %", .9999: "99.99 %", .99999: "99.999 %", .0001: "0.01 %",
		.00001: "0.001 %", 1 - 1e-12: "> 99.999999 %", 1e-12: "< 0.000001 %", 6.35: "635 %",
	} {
		if got := percent(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

func TestOtherWords(t *testing.T) {
	for _, c := range [][2]string{
		{whole(1234567), "1,234,567"}, {whole(-1234), "-1,234"}, {whole(999), "999"}, {whole(0), "0"},
		{rate(499.7), "500/s"}, {rate(12.34), "12.3/s"}, {rate(12345), "12,345/s"}, {rate(0), "0.00/s"},
		{size(0), "0.00 B"}, {size(8 << 30), "8.00 GiB"}, {size(1536), "1.50 KiB"},
		{figure(nil, "s"), "not measured"}, {figure(valued(.02), "s"), "20.0 ms"}, {figure(valued(1e6), ""), "1,000,000"}, {figure(valued(.031), ""), "0.031"},
		{clipped("one\ntwo", 10), "one"}, {clipped("ÄÖÜäöü", 4), "ÄÖÜ…"}, {ofAll(1, 0), "-"}, {ofAll(1, 4), "25 %"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
}

func TestNumbersAreMasked(t *testing.T) {
	for in, want := range map[string]string{
		"to +13125550111, from +4915112345678.": "to +13***11, from +49***78.", "+1 312": "+1 312", "1+2=3": "1+2=3", "+123456": "+123456",
		"+00000000": "+00000000", `{"to":"+13125550111"}`: `{"to":"+13***11"}`,
	} {
		if got := masked(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
