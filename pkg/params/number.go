package params

import (
	"math/big"
	"strconv"
	"strings"
)

// multipliers are the suffixes that scale a PowerShell number, each 1024 times the one before.
var multipliers = [...]string{"kb", "mb", "gb", "tb", "pb"}

// parseInteger reads text as PowerShell converts it to an integer of the given
// size: decimal with sign, blanks and thousands commas, 0x…, 0b…, exponents,
// fractions rounded half to even, the suffixes kb to pb, and l
// (convert.int64-comma, -hex, -binary, -kb, -half2, -long-suffix). Empty and
// blank text is 0 (convert.int64-empty). The cause is .NET's sentence.
func parseInteger(text string, bitSize int, dotnet string) (n int64, cause string) {
	t := strings.TrimSpace(text)
	if t == "" {
		return 0, ""
	}
	r, ok := parseRational(t)
	if !ok {
		return 0, "The input string '" + text + "' was not in a correct format."
	}
	i := roundHalfEven(r)
	if !i.IsInt64() || bitSize == 32 && i.Int64() != int64(int32(i.Int64())) {
		return 0, "Value was either too large or too small for an " + dotnet + "."
	}
	return i.Int64(), ""
}

func parseRational(t string) (*big.Rat, bool) {
	negative := false
	switch t[0] {
	case '-':
		negative, t = true, t[1:]
	case '+':
		t = t[1:]
	}
	low := strings.ToLower(t)
	scale := int64(1)
	for i, suffix := range multipliers {
		if body, ok := strings.CutSuffix(low, suffix); ok && !strings.HasPrefix(low, "0x") {
			low, scale = body, 1<<(10*(i+1))
			break
		}
	}
	low = strings.TrimSuffix(low, "l")
	r, ok := parseMagnitude(low)
	if !ok {
		return nil, false
	}
	r.Mul(r, new(big.Rat).SetInt64(scale))
	if negative {
		r.Neg(r)
	}
	return r, true
}

func parseMagnitude(low string) (*big.Rat, bool) {
	if digits, ok := strings.CutPrefix(low, "0x"); ok {
		return parseBased(digits, 16)
	}
	if digits, ok := strings.CutPrefix(low, "0b"); ok {
		return parseBased(digits, 2)
	}
	mantissa, exponent, hasExponent := strings.Cut(low, "e")
	if hasExponent {
		// No Int64 needs a larger exponent, and a huge one would cost the memory of its digits.
		if e, err := strconv.Atoi(exponent); err != nil || e > 400 || e < -400 {
			return nil, false
		}
		mantissa = strings.ReplaceAll(mantissa, ",", "") + "e" + exponent
	} else {
		mantissa = strings.ReplaceAll(mantissa, ",", "")
	}
	if mantissa == "" || strings.Trim(mantissa, "0123456789.e+-") != "" || !strings.ContainsAny(mantissa[:1], "0123456789.") || low[0] == ',' {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(mantissa)
	return r, ok
}

func parseBased(digits string, base int) (*big.Rat, bool) {
	if !isDigits(digits, base) {
		return nil, false
	}
	i, ok := new(big.Int).SetString(digits, base)
	return new(big.Rat).SetInt(i), ok
}

func isDigits(s string, base int) bool {
	for _, c := range s {
		if !strings.ContainsRune("0123456789abcdef"[:base], c) {
			return false
		}
	}
	return s != ""
}

func roundHalfEven(r *big.Rat) *big.Int {
	twice := new(big.Int).Mul(r.Num(), big.NewInt(2))
	twice.Add(twice, r.Denom()) // floor((2n+d)/2d) rounds half up
	floor, rem := new(big.Int).DivMod(twice, new(big.Int).Mul(r.Denom(), big.NewInt(2)), new(big.Int))
	if rem.Sign() == 0 && floor.Bit(0) == 1 {
		floor.Sub(floor, big.NewInt(1))
	}
	return floor
}

// literalNumber reads a number of a data literal: decimal with its digits kept
// as typed, as far as JSON can hold them, or 0x… as its value.
func literalNumber(text string) (Number, bool) {
	t := strings.TrimPrefix(text, "+")
	if sign, digits, ok := cutHex(t); ok {
		r, ok := parseBased(strings.ToLower(digits), 16)
		if !ok {
			return "", false
		}
		return Number(sign + r.Num().String()), true
	}
	if v, err := ParseJSON(t); err == nil {
		n, ok := v.(Number)
		return n, ok
	}
	return "", false
}

func cutHex(t string) (sign, digits string, ok bool) {
	if rest, minus := strings.CutPrefix(t, "-"); minus {
		sign, t = "-", rest
	}
	if !hasPrefixFold(t, "0x") {
		return "", "", false
	}
	return sign, t[2:], true
}
