package archive

import (
	"context"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"

	"maskswitch/actors/protocol"
)

// telnyxDomain has an endpoint of Telnyx Storage for every region.
const telnyxDomain = "telnyxcloudstorage.com"

// telnyxHomes are asked where a bucket is: any of America for all, and that of
// Europe, since there are accounts whose buckets only it tells of.
var telnyxHomes = [...]string{"us-central-1", "eu-central-1"}

func telnyxIn(region string) *url.URL {
	return &url.URL{Scheme: "https", Host: region + "." + telnyxDomain}
}

// telnyxHost says whether a host is of Telnyx Storage.
func telnyxHost(to *url.URL) bool {
	host := strings.ToLower(to.Hostname())
	return host == telnyxDomain || strings.HasSuffix(host, "."+telnyxDomain)
}

// atTelnyx says whether what is sent there reaches Telnyx Storage and nobody else.
func atTelnyx(to *url.URL) bool {
	return telnyxHost(to) && to.Scheme == "https" && (to.Port() == "" || to.Port() == "443")
}

// findTelnyx looks for the region of the bucket: every other refuses it. What a
// server answers is a hint, and the bucket itself the proof. The signing region
// does not matter there.
func (s *S3) findTelnyx(ctx context.Context) (*minio.Core, error) {
	var why error
	tried := map[string]bool{}
	for _, home := range telnyxHomes {
		asked, err := s.connect(telnyxIn(home), "")
		if err != nil {
			return nil, err
		}
		region, err := asked.GetBucketLocation(ctx, s.config.Bucket)
		if err != nil {
			err = s.trouble(ctx, "look for", "", err)
			if isEnd(err) {
				return nil, err
			}
			why = worse(why, err)
			region = home
		}
		for _, region := range [...]string{region, home} {
			if tried[region] || !regionName.MatchString(region) {
				continue
			}
			tried[region] = true
			found, err := s.connect(telnyxIn(region), region)
			if err != nil {
				return nil, err
			}
			exists, err := found.BucketExists(ctx, s.config.Bucket)
			switch {
			case exists:
				return found, nil
			case err != nil:
				if err = s.trouble(ctx, "look for", "", err); isEnd(err) {
					return nil, err
				}
				why = worse(why, err)
			}
		}
	}
	if why != nil {
		return nil, why
	}
	return nil, s.noBucket()
}

// worse picks what is told of two reasons: one that passes is told before one that
// says it never will, since nothing is sure before it has passed.
func worse(a, b error) error {
	if a == nil || troubleOf(b) == protocol.TroubleLater {
		return b
	}
	return a
}
