package gateway

// framing.go: refuses requests that two servers could cut differently.

import (
	"bytes"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/atshub/atshub/gateway/problem"
)

// framing answers 400 to what the HTTP library underneath lets through: both
// lengths or two of them, bare line feeds, folded lines, control characters,
// no Host or several.
func framing(c *fiber.Ctx) error {
	if fault := framingFault(c.Request().Header.RawHeaders()); fault != "" {
		c.Context().SetConnectionClose()
		return problem.New(problem.CodeMalformed, "the request's headers are not well-formed: "+fault, "")
	}
	return c.Next()
}

func framingFault(raw []byte) string {
	seen := map[string]int{}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(raw, []byte("\r\n\r\n")), []byte("\n")) {
		if len(bytes.TrimRight(line, "\r")) == 0 {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			return "a folded line"
		}
		name, value, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte(":"))
		if !ok || !token(name) {
			return "a header name"
		}
		for _, b := range value {
			if b < ' ' && b != '\t' || b == 0x7f {
				return "a control character"
			}
		}
		key := strings.ToLower(string(name))
		seen[key]++
		switch text := strings.TrimSpace(string(value)); {
		case key == "content-length" && (text == "" || strings.Trim(text, "0123456789") != ""):
			return "Content-Length"
		case key == "transfer-encoding" && !strings.EqualFold(text, "chunked"):
			return "Transfer-Encoding"
		}
	}
	switch {
	case bareLineFeed(raw):
		return "a bare line feed"
	case seen["host"] != 1:
		return "Host"
	case seen["content-length"] > 1, seen["transfer-encoding"] > 1, seen["content-length"] > 0 && seen["transfer-encoding"] > 0:
		return "more than one length"
	}
	return ""
}

func bareLineFeed(raw []byte) bool {
	for i, b := range raw {
		if b == '\n' && (i == 0 || raw[i-1] != '\r') {
			return true
		}
	}
	return false
}

func token(name []byte) bool {
	for _, b := range name {
		if b <= ' ' || b >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, b) >= 0 {
			return false
		}
	}
	return len(name) > 0
}

// plain refuses encoded bodies: unpacked, a small one could be of any size.
func plain(c *fiber.Ctx) error {
	if e := c.Get(fiber.HeaderContentEncoding); e != "" && !strings.EqualFold(e, "identity") {
		return problem.New(problem.CodeUnsupportedMedia, "compressed bodies are not taken", "send the body as it is")
	}
	return c.Next()
}
