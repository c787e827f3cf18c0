package api_test

import (
	"errors"
	"strings"

	"maskswitch/actors/protocol"
)

// plain has a request for each operation, which succeeds if nothing is in its
// way. All of them have the refusals that are alike everywhere.
var plain = []struct{ method, target, body string }{
	{"POST", "/pool", `{"numbers":["+13125550100"]}`},
	{"GET", "/pool", ""},
	{"GET", "/pool/headroom", ""},
	{"GET", "/pool/sizing?bookings=20000&hours=48&busiest=120", ""},
	{"POST", "/pool/import", `{"tag":"maskswitch"}`},
	{"POST", "/pool/order", ordered("")},
	{"GET", "/pool/orders", ""},
	{"GET", "/pool/orders/spring-1", ""},
	{"GET", "/pool/+13125550100", ""},
	{"PATCH", "/pool/+13125550100", `{"state":"draining"}`},
	{"DELETE", "/pool/+13125550100", ""},
	{"POST", "/bookings", good("")},
	{"GET", "/bookings", ""},
	{"GET", "/bookings/bk_1", ""},
	{"PATCH", "/bookings/bk_1", `{"extend_hours":1}`},
	{"DELETE", "/bookings/bk_1", ""},
	{"GET", "/bookings/bk_1/calls", ""},
	{"GET", "/bookings/bk_1/recordings", ""},
	{"GET", "/calls", ""},
	{"GET", "/explain?from=%2B13125550111&to=%2B13125550100", ""},
	{"GET", "/calls/" + callA, ""},
	{"POST", "/calls/" + callA + "/recording", `{"action":"pause"}`},
	{"GET", "/recordings/r1", ""},
	{"DELETE", "/recordings/r1", ""},
	{"GET", "/recordings/r1/audio", ""},
	{"POST", "/recordings/r1/hold", `{"reason":"case 7"}`},
	{"DELETE", "/recordings/r1/hold", ""},
	{"POST", "/erasures", `{"party":"+13125550111"}`},
	{"GET", "/erasures/" + erasureA, ""},
}

// contractCase is one request and the status that it gets.
type contractCase struct {
	desk                 *desk
	method, target, body string
	change               string // what is unusual: "keyless", "nokey", "form", a range of bytes, or what is accepted
	status               int
}

// alike are the refusals that every operation with a key has.
func alike() (cases []contractCase) {
	boom := &desk{err: errors.New("boom")}
	busy := &desk{err: protocol.Errorf(protocol.Unavailable, "busy", "too busy")}
	for _, p := range plain {
		cases = append(cases,
			contractCase{boom, p.method, p.target, p.body, "nokey", 401},
			contractCase{boom, p.method, p.target, p.body, "keyless", 403},
			contractCase{boom, p.method, p.target, p.body, "", 500},
			contractCase{busy, p.method, p.target, p.body, "", 503})
		if p.body != "" {
			cases = append(cases,
				contractCase{boom, p.method, p.target, strings.Repeat(" ", 1<<20+1), "", 413},
				contractCase{boom, p.method, p.target, p.body, "form", 415})
		}
	}
	return cases
}

// particular are the answers that each operation has for itself.
func particular() []contractCase {
	empty := &desk{err: protocol.Errorf(protocol.Exhausted, "region_exhausted", "add numbers")}
	party := &desk{err: protocol.Errorf(protocol.Conflict, "number_is_party", "it is a party of a booking")}
	live, idle, pool, ending := &desk{}, &desk{}, stocked(), stocked()
	ask(serve(idle), request("POST", "/bookings", good(`,"booking_id":"bk_1","masks":"pair","idle_hours":1`+allTerms)))
	ask(serve(ending), request("POST", "/bookings", good("")))
	pool.orders = []protocol.NumberOrder{fullOrder()}
	taped := recorded()
	tall := `,"recording":null,"summary":null,"masks":null,"region":null,"region_strict":null,"idle_hours":null,"on_checkout":null,"grace_seconds":null`
	return []contractCase{
		{live, "POST", "/pool", `{"numbers":["+13125550100"]}`, "", 200},
		{live, "POST", "/pool", `{}`, "", 400},
		{party, "POST", "/pool", `{"numbers":["+13125550100"]}`, "", 409},

		{live, "GET", "/pool", "", "", 200},
		{pool, "GET", "/pool?limit=1&state=serving&region=US-312", "", "", 200},
		{pool, "GET", "/pool?limit=2&cursor=13125550100&region=US", "", "", 200},
		{pool, "GET", "/pool?limit=0", "", "", 400},
		{pool, "GET", "/pool?state=busy", "", "", 400},
		{pool, "GET", "/pool?region=us", "", "", 400},

		{pool, "GET", "/pool/+13125550100", "", "", 200},
		{pool, "GET", "/pool/+13125550102", "", "", 200},
		{pool, "GET", "/pool/13125550100", "", "", 400},
		{pool, "GET", "/pool/+13125550109", "", "", 404},

		{pool, "PATCH", "/pool/+13125550101", `{"state":"serving","rest_hours":null}`, "", 200},
		{pool, "PATCH", "/pool/+13125550101", `{"state":"resting","rest_hours":0.5}`, "", 200},
		{pool, "PATCH", "/pool/+13125550101", `{"rest_until":1767229200}`, "", 200},
		{pool, "PATCH", "/pool/+13125550101", `{"rest_hours":8784}`, "", 200},
		{pool, "PATCH", "/pool/+13125550101", `{}`, "", 400},
		{pool, "PATCH", "/pool/+13125550101", `{"state":null}`, "", 400},
		{pool, "PATCH", "/pool/+13125550101", `{"state":"busy"}`, "", 400},
		{pool, "PATCH", "/pool/+13125550101", `{"state":"resting","rest_hours":0}`, "", 400},
		{pool, "PATCH", "/pool/+13125550109", `{"state":"serving"}`, "", 404},
		{pool, "PATCH", "/pool/+13125550103", `{"state":"serving"}`, "", 409},

		{ending, "DELETE", "/pool/+13125550100", "", "", 200},
		{ending, "DELETE", "/pool/+13125550100?force=false", "", "", 200},
		{ending, "DELETE", "/pool/+13125550100?force=true", "", "", 200},
		{ending, "DELETE", "/pool/+13125550100?force=yes", "", "", 400},
		{ending, "DELETE", "/pool/+13125550109", "", "", 404},
		{ending, "DELETE", "/pool/+13125550103", "", "", 409},

		{live, "GET", "/pool/headroom", "", "", 200},
		{live, "GET", "/pool/sizing?bookings=0.5&hours=1.5&busiest=1", "", "", 200},
		{live, "GET", "/pool/sizing?bookings=1&hours=1", "", "", 400},
		{live, "GET", "/pool/sizing?bookings=0&hours=1&busiest=1", "", "", 400},
		{live, "GET", "/pool/sizing?bookings=1&hours=1&busiest=1.5", "", "", 400},

		{live, "POST", "/pool/import", `{"tag":"a b"}`, "", 200},
		{live, "POST", "/pool/import", `{"connection_id":"1494404757140276705","tag":null}`, "", 200},
		{live, "POST", "/pool/import", `{}`, "", 400},
		{party, "POST", "/pool/import", `{"tag":"a"}`, "", 409},
		{live, "POST", "/pool/import", `{"tag":"a","connection_id":"1"}`, "", 400},
		{live, "POST", "/pool/import", `{"connection_id":"a/b"}`, "", 400},

		{live, "POST", "/pool/order", ordered(`,"order_id":"o1"`), "", 202},
		{live, "POST", "/pool/order", ordered(`,"order_id":"o1"`), "", 200},
		{live, "POST", "/pool/order", ordered(`,"area_code":null,"order_id":null,"connection_id":null`), "", 202},
		{live, "POST", "/pool/order", `{"country":"GB","area_code":"20","count":500,"max_monthly_cost":12.5,"connection_id":"1"}`, "", 202},
		{live, "POST", "/pool/order", ordered(`,"order_id":"o1","area_code":"312"`), "", 409},
		{live, "POST", "/pool/order", `{"country":"US","count":1}`, "", 400},
		{live, "POST", "/pool/order", `{"country":"US","count":501,"max_monthly_cost":"1"}`, "", 400},
		{live, "POST", "/pool/order", `{"country":"US","count":1,"max_monthly_cost":"1e3"}`, "", 400},
		{live, "POST", "/pool/order", `{"country":"US","count":1,"max_monthly_cost":0}`, "", 400},
		{live, "POST", "/pool/order", ordered(`,"area_code":"0312"`), "", 400},

		{live, "GET", "/pool/orders", "", "", 200},
		{pool, "GET", "/pool/orders?limit=1", "", "", 200},
		{pool, "GET", "/pool/orders?limit=0", "", "", 400},
		{pool, "GET", "/pool/orders/spring-1", "", "", 200},
		{live, "GET", "/pool/orders/spring-1", "", "", 404},

		{live, "POST", "/bookings", good(`,"booking_id":"bk_1","duration_hours":0.5`), "", 200},
		{live, "POST", "/bookings", good(`,"booking_id":"","duration_hours":null`), "", 200},
		{live, "POST", "/bookings", good(`,"booking_id":null` + tall), "", 200},
		{live, "POST", "/bookings", good(`,"masks":"pair","idle_hours":0.5` + allTerms), "", 200},
		{idle, "POST", "/bookings", good(`,"booking_id":"bk_1","masks":"pair","idle_hours":1` + allTerms), "", 200},
		{live, "POST", "/bookings", `{"party_a":"+13125550111"}`, "", 400},
		{live, "POST", "/bookings", good(`,"booking_id":"a/b"`), "", 400},
		{live, "POST", "/bookings", good(`,"duration_hours":0`), "", 400},
		{live, "POST", "/bookings", good(`,"more":0`), "", 400},
		{live, "POST", "/bookings", good(`,"masks":"none"`), "", 400},
		{live, "POST", "/bookings", good(`,"region":"US-112"`), "", 400},
		{live, "POST", "/bookings", good(`,"region_strict":1`), "", 400},
		{live, "POST", "/bookings", good(`,"idle_hours":0`), "", 400},
		{live, "POST", "/bookings", good(`,"on_checkout":"drop"`), "", 400},
		{live, "POST", "/bookings", good(`,"on_checkout":"cut","grace_seconds":601`), "", 400},
		{live, "POST", "/bookings", good(`,"on_checkout":"cut","grace_seconds":0.5`), "", 400},
		{live, "POST", "/bookings", good(`,"booking_id":"bk_1"`), "", 409},
		{empty, "POST", "/bookings", good(""), "", 503},

		{live, "GET", "/bookings", "", "", 200},
		{live, "GET", "/bookings?limit=1&status=live&party=%2B13125550111", "", "", 200},
		{live, "GET", "/bookings?limit=1001", "", "", 400},
		{live, "GET", "/bookings?status=active", "", "", 400},

		{live, "GET", "/bookings/bk_1", "", "", 200},
		{idle, "GET", "/bookings/bk_1", "", "", 200},
		{live, "GET", "/bookings/bk_2", "", "", 404},

		{live, "PATCH", "/bookings/bk_1", `{"expires_at":1767229200}`, "", 200},
		{live, "PATCH", "/bookings/bk_1", `{"extend_hours":0.5,"expires_at":null}`, "", 200},
		{live, "PATCH", "/bookings/bk_1", `{"shorten_hours":0.25}`, "", 200},
		{idle, "PATCH", "/bookings/bk_1", `{"extend_hours":24}`, "", 200},
		{live, "PATCH", "/bookings/bk_1", `{}`, "", 400},
		{live, "PATCH", "/bookings/bk_1", `{"expires_at":null}`, "", 400},
		{live, "PATCH", "/bookings/bk_1", `{"expires_at":1767229200,"extend_hours":1}`, "", 400},
		{live, "PATCH", "/bookings/bk_1", `{"expires_at":1767229200.5}`, "", 400},
		{live, "PATCH", "/bookings/bk_1", `{"extend_hours":0}`, "", 400},
		{live, "PATCH", "/bookings/bk_2", `{"extend_hours":1}`, "", 404},

		{live, "DELETE", "/bookings/bk_1", "", "", 200},
		{live, "DELETE", "/bookings/bk_1", "", "", 404},
		{live, "GET", "/bookings/bk_1", "", "", 200},

		{live, "POST", "/bookings", good(`,"recording":"mp3"`), "", 400},
		{live, "POST", "/bookings", good(`,"summary":1`), "", 400},

		{taped, "GET", "/bookings/bk_1/calls", "", "", 200},
		{taped, "GET", "/bookings/bk_1/calls?limit=1", "", "", 200},
		{taped, "GET", "/bookings/bk_1/calls?limit=1&cursor=" + callA, "", "", 200},
		{taped, "GET", "/bookings/bk_1/calls?limit=0", "", "", 400},
		{taped, "GET", "/bookings/bk_2/calls", "", "", 404},
		{taped, "GET", "/bookings/bk_1/calls", "", "accept=text/csv", 200},
		{taped, "GET", "/bookings/bk_1/calls", "", "accept=image/png", 406},
		{taped, "GET", "/calls", "", "", 200},
		{taped, "GET", "/calls?limit=1", "", "accept=text/csv", 200},
		{taped, "GET", "/calls?from=2026-01-01T00:00:00Z&to=1767232800.5&outcome=talked&number=%2B13125550100&order=oldest&limit=1000&cursor=" + callA, "", "", 200},
		{taped, "GET", "/calls?outcome=live", "", "", 200},
		{taped, "GET", "/calls?outcome=lost", "", "", 400},
		{taped, "GET", "/calls", "", "accept=application/xml", 406},
		{&desk{explains: connects()}, "GET", "/explain?from=%2B13125550111&to=%2B13125550100", "", "", 200},
		{live, "GET", "/explain?from=anonymous&to=%2B13125550100", "", "", 200},
		{live, "GET", "/explain?to=%2B13125550100", "", "", 400},
		{taped, "GET", "/bookings/bk_1/recordings", "", "", 200},
		{taped, "GET", "/bookings/bk_2/recordings", "", "", 404},
		{taped, "GET", "/calls/" + callA, "", "", 200},
		{taped, "GET", "/calls/" + callA, "", "accept=text/plain", 200},
		{taped, "GET", "/calls/" + callB, "", "", 200},
		{taped, "GET", "/calls/" + erasureA, "", "", 404},
		{taped, "GET", "/calls/" + callA, "", "accept=image/png", 406},
		{taped, "POST", "/calls/" + callB + "/recording", `{"action":"pause"}`, "", 200},
		{taped, "POST", "/calls/" + callB + "/recording", `{"action":"resume"}`, "", 200},
		{taped, "POST", "/calls/" + callB + "/recording", `{"action":"stop"}`, "", 400},
		{taped, "POST", "/calls/" + callA + "/recording", `{"action":"pause"}`, "", 404},
		{&desk{err: protocol.Errorf(protocol.Conflict, "not_recording", "no")}, "POST", "/calls/" + callB + "/recording", `{"action":"pause"}`, "", 409},

		{taped, "GET", "/recordings/r1", "", "", 200},
		{taped, "GET", "/recordings/lost", "", "", 200},
		{taped, "GET", "/recordings/none", "", "", 404},
		{taped, "GET", "/recordings/r1/audio", "", "", 200},
		{taped, "GET", "/recordings/r1/audio", "", "bytes=1-2", 206},
		{taped, "GET", "/recordings/r1/audio", "", "bytes=100-", 416},
		{taped, "GET", "/recordings/pending/audio", "", "", 409},
		{taped, "GET", "/recordings/lost/audio", "", "", 410},
		{taped, "GET", "/recordings/erased/audio", "", "", 410},
		{taped, "GET", "/recordings/none/audio", "", "", 404},
		{taped, "POST", "/recordings/r1/hold", `{"reason":"case 7"}`, "", 200},
		{taped, "POST", "/recordings/r1/hold", `{"reason":""}`, "", 400},
		{taped, "POST", "/recordings/none/hold", `{"reason":"case 7"}`, "", 404},
		{taped, "POST", "/recordings/erased/hold", `{"reason":"case 7"}`, "", 409},
		{taped, "DELETE", "/recordings/r1", "", "", 409},
		{taped, "DELETE", "/recordings/r1/hold", "", "", 200},
		{taped, "DELETE", "/recordings/none/hold", "", "", 404},
		{taped, "DELETE", "/recordings/r1", "", "", 202},
		{taped, "DELETE", "/recordings/erased", "", "", 200},
		{taped, "DELETE", "/recordings/none", "", "", 404},

		{taped, "POST", "/erasures", `{"booking_id":"bk_1"}`, "", 202},
		{taped, "POST", "/erasures", `{"party":"+13125550111"}`, "", 202},
		{taped, "POST", "/erasures", `{}`, "", 400},
		{taped, "POST", "/erasures", `{"party":"+13125550111","booking_id":"bk_1"}`, "", 400},
		{taped, "POST", "/erasures", `{"booking_id":"bk_2"}`, "", 404},
		{taped, "GET", "/erasures/" + erasureA, "", "", 200},
		{taped, "GET", "/erasures/" + callA, "", "", 404},

		{live, "GET", "/health", "", "nokey", 200},
		{&desk{err: errors.New("boom")}, "GET", "/health", "", "nokey", 503},
		{live, "GET", "/openapi.json", "", "nokey", 200},

		{live, "POST", "/webhooks/voice", `{"answer":200}`, "nokey", 200},
		{live, "POST", "/webhooks/voice", `{"answer":400}`, "nokey", 400},
		{live, "POST", "/webhooks/voice", `{"answer":401}`, "nokey", 401},
		{live, "POST", "/webhooks/voice", `{"answer":503}`, "nokey", 503},
	}
}
