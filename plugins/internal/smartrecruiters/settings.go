package smartrecruiters

// Settings of a connection, checked against the fields of the manifest.

import (
	"regexp"
	"strings"

	"github.com/atshub/atshub/sdk"
)

// ReadSettings gives every declared field its value, without the blanks that
// copying adds around it. CodeInvalid names each field that is missing or not
// of its pattern, never its value.
func ReadSettings(fields []sdk.Field, s sdk.Settings) (map[string]string, error) {
	values, wrong := map[string]string{}, map[string]string{}
	for _, f := range fields {
		v := s.Fields[f.Key]
		if f.Secret {
			v = s.Secrets[f.Key].Reveal()
		}
		v = strings.TrimSpace(v)
		switch {
		case v == "":
			wrong[f.Key] = f.Label + " is missing"
		case f.Pattern != "" && !regexp.MustCompile("^(?:"+f.Pattern+")$").MatchString(v):
			wrong[f.Key] = f.Label + " does not look like one from SmartRecruiters"
		}
		values[f.Key] = v
	}
	if len(wrong) > 0 {
		return nil, &sdk.Error{Code: sdk.CodeInvalid, Message: "the connection's settings are incomplete", Fault: sdk.FaultConfig, Outcome: sdk.NotDone, Fields: wrong}
	}
	return values, nil
}
