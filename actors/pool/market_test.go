package pool

import (
	"math"
	"math/rand/v2"
	"time"

	"maskswitch/actors/phone"
)

// market is a marketplace whose hosts have numbers of bookings that follow
// Zipf's law, and whose guests book now and then.
type market struct {
	random *rand.Rand
	hosts  []float64 // cumulative weight
	guests int
}

// newMarket makes a market in which the weight of host number n is 1/n^skew.
func newMarket(seed uint64, hosts, guests int, skew float64) *market {
	m := &market{random: rand.New(rand.NewPCG(seed, seed)), guests: guests}
	sum := 0.0
	for i := range hosts {
		sum += math.Pow(float64(i+1), -skew)
		m.hosts = append(m.hosts, sum)
	}
	return m
}

// draw picks a host, and a guest, who come after the hosts.
func (m *market) draw() (host, guest int) {
	x := m.random.Float64() * m.hosts[len(m.hosts)-1]
	lo, hi := 0, len(m.hosts)-1
	for lo < hi {
		if mid := (lo + hi) / 2; m.hosts[mid] < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, len(m.hosts) + m.random.IntN(m.guests)
}

func (m *market) pair() (host, guest phone.Number) {
	x, y := m.draw()
	return person(x), person(y)
}

// trade is a booking of a marketplace that is written down before it is played.
type trade struct {
	host, guest int
	from, to    time.Time
}

// trace is the trades of a marketplace in the order in which they begin.
type trace struct {
	name, words string
	trades      []trade
	homes       []phone.Region // of the parties, by turns; empty: all live in one country
	live        int            // the most at once
	busiest     []int          // per country: the most that one party has at once of the trades of hosts there
}

// plan says how to make a trace.
type plan struct {
	name, words   string
	seed          uint64
	live          int // about so many at once
	turns         int // so many times as many in all
	hosts, guests int
	skew          float64
	most          int           // nobody has more at once; 0: he may
	life          time.Duration // of a booking, on average
	homes         []string
}

// record plays a market without numbers. Bookings begin at even intervals and
// live for exponentially distributed times.
func (p plan) record() trace {
	t := trace{name: p.name, words: p.words}
	for _, home := range p.homes {
		r, err := phone.ParseRegion(home)
		if err != nil {
			panic(err)
		}
		t.homes = append(t.homes, r)
	}
	m := newMarket(p.seed, p.hosts, p.guests, p.skew)
	countries := t.countries()
	t.busiest = make([]int, len(countries))
	have := make([]int, p.hosts+p.guests)
	inCountry := make([]map[int]int, len(countries))
	for i := range inCountry {
		inCountry[i] = make(map[int]int)
	}
	var ends deadlines[int]
	live := 0
	now := time.UnixMicro(1e15)
	for i := range p.live * p.turns {
		now = now.Add(p.life / time.Duration(p.live))
		for {
			k, _, ok := ends.due(now)
			if !ok {
				break
			}
			x := t.trades[k]
			live--
			for _, who := range [...]int{x.host, x.guest} {
				have[who]--
				inCountry[t.countryOf(x.host, countries)][who]--
			}
		}
		x := trade{from: now, to: now.Add(time.Duration(m.random.ExpFloat64() * float64(p.life)))}
		for x.host, x.guest = m.draw(); p.most > 0 && max(have[x.host], have[x.guest]) >= p.most; {
			if have[x.host] >= p.most {
				x.host = m.random.IntN(p.hosts)
			}
			if have[x.guest] >= p.most {
				x.guest = p.hosts + m.random.IntN(p.guests)
			}
		}
		live++
		t.live = max(t.live, live)
		c := t.countryOf(x.host, countries)
		for _, who := range [...]int{x.host, x.guest} {
			have[who]++
			inCountry[c][who]++
			t.busiest[c] = max(t.busiest[c], inCountry[c][who])
		}
		t.trades = append(t.trades, x)
		ends.push(x.to, i)
	}
	return t
}

func (t *trace) home(who int) phone.Region {
	if len(t.homes) == 0 {
		return proxy(0).Region()
	}
	return t.homes[who%len(t.homes)]
}

// countries lists the countries of the market, each once.
func (t *trace) countries() (list []phone.Region) {
	for i := range max(1, len(t.homes)) {
		country, known := t.home(i).Country(), false
		for _, c := range list {
			known = known || c == country
		}
		if !known {
			list = append(list, country)
		}
	}
	return list
}

func (t *trace) countryOf(who int, countries []phone.Region) int {
	for i, c := range countries {
		if c == t.home(who).Country() {
			return i
		}
	}
	panic("a party of no country")
}

// bound is the fewest numbers that could do if each country kept to its own.
func (t *trace) bound() (sum int) {
	for _, n := range t.busiest {
		sum += n
	}
	return sum
}
