package params_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"invoke-mgupload/pkg/params"
)

// line is a test of words, separated by | so that they can hold blanks; an
// empty text is no words.
type line struct{ words, want string }

func split(words string) []string {
	if words == "" {
		return nil
	}
	return strings.Split(words, "|")
}

func runLines(t *testing.T, c func() *params.Cmdlet, lines []line) {
	t.Helper()
	for _, l := range lines {
		if got := show(bind(c(), split(l.words)...)); got != l.want {
			t.Errorf("%s\nhave %s\nwant %s", l.words, got, l.want)
		}
	}
}

func TestWordsAreNamesOrValues(t *testing.T) {
	runLines(t, send, []line{
		{"-ThingId|a", "Expanded ThingId=a"},
		{"-THINGID|a", "Expanded ThingId=a"},
		{"-ThingId:a", "Expanded ThingId=a"},
		{"-ThingId:|a", "Expanded ThingId=a"},
		{"-ThingId:a:b", "Expanded ThingId=a:b"},       // the first colon counts
		{"-ThingId: a", "Expanded ThingId= a"},         // not trimmed
		{"--ThingId|a", "Expanded ThingId=a"},          // the second dash is cut by the lookup
		{"–ThingId|a", "Expanded ThingId=a"},           // en dash
		{"—ThingId|a", "Expanded ThingId=a"},           // em dash
		{"―ThingId|a", "Expanded ThingId=a"},           // horizontal bar
		{"−ThingId|a", "!PositionalParameterNotFound"}, // the minus sign is none of them
		{"---ThingId|a", "!NamedParameterNotFound"},
		{"--|a", "!AmbiguousParameter"}, // an empty name matches everything
		{"-|a", "!PositionalParameterNotFound"},
		{"a", "!PositionalParameterNotFound"},
		{"-ThingId|-", "Expanded ThingId=-"},
		{"-ThingId|-5", "Expanded ThingId=-5"},
		{"-ThingId|-nothing", "Expanded ThingId=-nothing"},
		{"-ThingId|-nothing:x", "!MissingArgument"},
		{"-ThingId:|-nothing", "Expanded ThingId=-nothing"},
		{"-ThingId|-Url", "!MissingArgument"},
		{"-ThingId|-ur", "!MissingArgument"},
		{"-ThingId|-Pro|x", "!AmbiguousParameter"},
		{"-ThingId", "!MissingArgument"},
		{"-ThingId|", "!ParameterArgumentValidationErrorEmptyStringNotAllowed"},
		{"-ThingId| ", "Expanded ThingId= "},
		{"-ThingId|a|-Url|", "Expanded ThingId=a Url="},
		{"-ThingId|a|-Url:true", "Expanded ThingId=a Url=True"}, // the Boolean is made before the parameter is known
		{"-ThingId|a|-Url:$FALSE", "Expanded ThingId=a Url=False"},
		{"-ThingId|a|-Url: $true ", "Expanded ThingId=a Url= $true "}, // a blank before the $
		{"-ThingId|a|-Url: true ", "Expanded ThingId=a Url=True"},
		{"-ThingId|a|-Url:$tru", "Expanded ThingId=a Url=$tru"},
		{"-ThingId|a|-Url:|true", "Expanded ThingId=a Url=true"}, // a word of its own is text
		{"-ThingId|a|-PassThru", "Expanded ThingId=a PassThru=true"},
		{"-ThingId|a|-PassThru:$false", "Expanded ThingId=a PassThru=false"},
		{"-ThingId|a|-WhatIf:FALSE", "Expanded ThingId=a WhatIf=false"},
		{"-ThingId|a|-PassThru|false", "!PositionalParameterNotFound"}, // a switch takes no word
		{"-ThingId|a|-PassThru:no", "!ParameterArgumentTransformationError"},
		{"-ThingId|a|-WhatIf:no", "!CannotConvertArgument"},
		{"-ThingId|a|-WhatIf:|$true", "!CannotConvertArgument"}, // a word of its own is text
		{"-ThingId|a|-Nbf:$true", "Expanded ThingId=a Nbf=1"},
	})
}

func TestNamesPrefixesAliases(t *testing.T) {
	runLines(t, send, []line{
		{"-t|a", "Expanded ThingId=a"},
		{"-rhv|v|-t|a", "Expanded ResponseHeadersVariable=v ThingId=a"},
		{"-rh|v|-t|a", "Expanded ResponseHeadersVariable=v ThingId=a"}, // a prefix of an alias
		{"-i|{}", "ViaIdentityExpanded InputObject={}"},                // a declared one beats the common ones
		{"-in|{}", "ViaIdentityExpanded InputObject={}"},
		{"-infa|Stop|-t|a", "Expanded InformationAction=Stop ThingId=a"},
		{"-wi|-t|a", "Expanded WhatIf=true ThingId=a"},
		{"-co|-t|a", "Expanded Confirm=true ThingId=a"},
		{"-Proxy|p|-t|a", "Expanded Proxy=p ThingId=a"}, // exact beats longer ones
		{"-prox|p|-t|a", "!AmbiguousParameter"},
		{"-p|x|-t|a", "!AmbiguousParameter"},
		{"-w", "!AmbiguousParameter"},
		{"-Urls|x", "!NamedParameterNotFound"},
		{"-x", "!NamedParameterNotFound"},
		{"-t|a|-t|b", "!ParameterAlreadyBound"},
		{"-t|a|-ThingId:b", "!ParameterAlreadyBound"},
		{"-WhatIf|-wi|-t|a", "!ParameterAlreadyBound"},
	})
	for words, want := range map[string]string{
		"-t|a|-th|b":    "parameter 'ThingId' is", // the full name for a separate value,
		"-t|a|-th:b":    "parameter 'th' is",      // what was typed for an attached one
		"-WhatIf|-wi":   "parameter 'wi' is",
		"-prox|p":       "include: -Proxy -ProxyCredential -ProxyUseDefaultCredentials.",
		"--Urlx|p":      "name '-Urlx'",
		"-e|x":          "include: -ErrorAction -ErrorVariable.",
		"-Url|-Pro|x":   "name 'Pro' is ambiguous",
		"-ThingId":      "'ThingId'. Specify a parameter of type 'System.String'",
		"-Headers":      "of type 'System.Collections.IDictionary'",
		"--show-reques": "name '-show-reques'",
	} {
		if _, err := bind(send(), split(words)...); !strings.Contains(message(t, err), want) {
			t.Errorf("%s: %v, want …%s…", words, err, want)
		}
	}
}

func TestKebabNames(t *testing.T) {
	for name, want := range map[string]string{
		"UploadUrl": "upload-url", "Sha256FileHash": "sha256-file-hash", "B2XIdentityUserFlowId": "b2x-identity-user-flow-id",
		"WhatIf": "what-if", "ResponseHeadersVariable": "response-headers-variable", "K": "k", "Pkcs12Value": "pkcs12-value",
		"HttpPipelinePrepend": "http-pipeline-prepend", "AppleId": "apple-id", "OutBuffer": "out-buffer", "": "",
	} {
		if got := params.Kebab(name); got != want {
			t.Errorf("Kebab(%s) = %s, want %s", name, got, want)
		}
	}
	runLines(t, send, []line{
		{"--thing-id|a", "Expanded ThingId=a"},
		{"--thing-id=a", "Expanded ThingId=a"},
		{"--thing-id:a", "Expanded ThingId=a"},
		{"--thing-id=a=b:c", "Expanded ThingId=a=b:c"},
		{"--thing-id=", "!ParameterArgumentValidationErrorEmptyStringNotAllowed"},
		{"--thing-id=true", "Expanded ThingId=true"}, // as typed: no Boolean is made
		{"--thing-id|-", "Expanded ThingId=-"},
		{"--thing-id|-x", "Expanded ThingId=-x"},
		{"--thing-id", "!MissingArgument"},
		{"--thing-id|-Url|u", "!MissingArgument"},
		{"--thing-id|--url|u", "!MissingArgument"},
		{"--thing-id|--show-request", "!MissingArgument"},
		{"-ThingId|--show-request", "!MissingArgument"},
		{"-ThingId|--url=x", "!MissingArgument"},
		{"--thing-id|a|-ThingId|b", "!ParameterAlreadyBound"},
		{"--thing-id|a|--what-if", "Expanded ThingId=a WhatIf=true"},
		{"--thing-id|a|--whatif", "Expanded ThingId=a WhatIf=true"},
		{"--thing-id|a|--what-if=false", "Expanded ThingId=a WhatIf=false"},
		{"--thing-id|a|--what-if:$true", "Expanded ThingId=a WhatIf=true"},
		{"--thing-id|a|--what-if=no", "!CannotConvertArgument"},
		{"--thing-id|a|--what-if|x", "!PositionalParameterNotFound"},
		{"--thing-i|a", "!NamedParameterNotFound"},  // no prefixes
		{"--Thing-Id|a", "!NamedParameterNotFound"}, // no other case: PowerShell's rules then
		{"--nbf=5|-t|a", "Expanded Nbf=5 ThingId=a"},
	})
}

func TestAdditions(t *testing.T) {
	for _, c := range []struct {
		words, endpoint, show string
		want                  string
	}{
		{"-ThingId|a|--endpoint|e", "e", "", "Expanded ThingId=a"},
		{"--endpoint=e|-ThingId|a", "e", "", "Expanded ThingId=a"},
		{"--endpoint:e|-ThingId|a", "e", "", "Expanded ThingId=a"},
		{"--endpoint=http://h:1?a=b|-ThingId|a", "http://h:1?a=b", "", "Expanded ThingId=a"},
		{"--endpoint=|-ThingId|a", "", "", "Expanded ThingId=a"},
		{"--endpoint|-|-ThingId|a", "-", "", "Expanded ThingId=a"},
		{"--endpoint|-x|-ThingId|a", "-x", "", "Expanded ThingId=a"},
		{"-ThingId|a|--show-request", "", "true", "Expanded ThingId=a"},
		{"--show-request|-ThingId|a", "", "true", "Expanded ThingId=a"},
		{"--show-request=false|-ThingId|a", "", "false", "Expanded ThingId=a"},
		{"--show-request:$TRUE|-ThingId|a", "", "true", "Expanded ThingId=a"},
		{"--show-request=maybe|-ThingId|a", "", "maybe", "Expanded ThingId=a"}, // whoever obeys it refuses it
		{"-ThingId|a|--show-request|--endpoint|e", "e", "true", "Expanded ThingId=a"},
		{"-ThingId|a|--endpoint", "", "", "!MissingArgument"},
		{"--endpoint|-ThingId|a", "", "", "!MissingArgument"},
		{"--endpoint|--show-request|-ThingId|a", "", "true", "!MissingArgument"}, // the others are still known
		{"--endpoint|e|--endpoint|f|-ThingId|a", "f", "", "!ParameterAlreadyBound"},
		{"--show-request|--show-request|-ThingId|a", "", "true", "!ParameterAlreadyBound"},
		{"-Bogus|--show-request", "", "true", "!NamedParameterNotFound"},
		{"--Endpoint|e|-ThingId|a", "", "", "!NamedParameterNotFound"},
	} {
		l := params.Parse(send(), additions, split(c.words))
		endpoint, _ := l.Addition("endpoint")
		shown, _ := l.Addition("show-request")
		if got := show(l.Bind(t.Context(), params.Options{})); got != c.want || endpoint != c.endpoint || shown != c.show {
			t.Errorf("%s: %s, endpoint %q, show %q; want %s, %q, %q", c.words, got, endpoint, shown, c.want, c.endpoint, c.show)
		}
	}
	if v, given := params.Parse(send(), additions, nil).Addition("endpoint"); given || v != "" {
		t.Errorf("%q, %t without words", v, given)
	}
}

// A dry run must never turn real by accident (D08).
func TestEmptyValueWordsAndTypos(t *testing.T) {
	runLines(t, send, []line{
		{"-ThingId|a|-WhatIf:", "!MgUploadEmptyValueWord"},
		{"-WhatIf:|-ThingId|a", "!MgUploadEmptyValueWord"},
		{"-Url:|-WhatIf|-ThingId|a", "!MgUploadEmptyValueWord"},
		{"-Url:|--what-if|-ThingId|a", "!MgUploadEmptyValueWord"},
		{"-Url:|--show-request|-ThingId|a", "!MgUploadEmptyValueWord"},
		{"-Url:|-wi:$true|-ThingId|a", "!MgUploadEmptyValueWord"},
		{"-Url:", "!MissingMandatoryParameter"}, // PowerShell finds an error of its own (binder.144)
		{"-Bogus:", "!MissingMandatoryParameter"},
		{"-ThingId|a|-Url|-WhtIf", "!MgUploadLikelyTypo"},
		{"-ThingId|a|-Url|-WhatIff", "!MgUploadLikelyTypo"},
		{"-ThingId|a|-Url|-WahtIf", "!MgUploadLikelyTypo"},
		{"-ThingId|a|-Url|–whaitf", "!MgUploadLikelyTypo"},
		{"-ThingId|a|-Url|--what-f", "!MgUploadLikelyTypo"},
		{"-ThingId|a|-Url|-Confrim", "!MgUploadLikelyTypo"},
		{"-ThingId|a|-Url:|-WhtIf", "!MgUploadLikelyTypo"},
		{"-ThingId|a|-Url:|-WhtIf:$true", "!MgUploadLikelyTypo"},
		{"-ThingId|a|--url|-WhtIf", "!MgUploadLikelyTypo"},
		{"-ThingId|a|--url|--what-f=true", "!MgUploadLikelyTypo"},
		{"-ThingId|a|--endpoint|-WhtIf", "!MgUploadLikelyTypo"},
		{"-ThingId|a|-Url:-WhtIf", "Expanded ThingId=a Url=-WhtIf"}, // attached, it is meant
		{"-ThingId|a|-Url|WhtIf", "Expanded ThingId=a Url=WhtIf"},
		{"-ThingId|a|-Url|-Whf", "Expanded ThingId=a Url=-Whf"}, // three edits
		{"-ThingId|a|-WhtIf", "!NamedParameterNotFound"},
	})
}

func TestGivenAndWord(t *testing.T) {
	// Whether standard input is the pipeline hangs on it, so -ThingId:a counts too.
	for _, c := range []struct {
		words string
		given bool
		word  string
	}{
		{"-ThingId|a", true, "a"}, {"-ThingId:a", true, "a"}, {"-t:a", true, "a"}, {"-ThingId:|a", true, "a"}, {"--thing-id=a", true, "a"},
		{"-Url|a", false, ""}, {"", false, ""}, {"-x|a", false, ""}, {"-ThingId:true", true, "True"},
	} {
		l := params.Parse(send(), additions, split(c.words))
		if word, _ := l.Word("ThingId"); l.Given("ThingId") != c.given || word != c.word {
			t.Errorf("%s: given %t, word %q", c.words, l.Given("ThingId"), word)
		}
	}
}

func TestFitsAsksAdditions(t *testing.T) {
	for words, want := range map[string]bool{
		"": true, "-ThingId|a": true, "-ThingId|a|-WhatIf": true, "-ThingId:a": true, "-ThingId|a|--show-request": true,
		"-InputObject|{}": false, "-ThingId|a|x": false, "-ThingId|a|-Bogus": false, "-ThingId": false, "-ThingId|a|-BodyParameter|{}": false,
	} {
		if got := params.Parse(send(), additions, split(words)).Fits("Expanded"); got != want {
			t.Errorf("%s: %t", words, got)
		}
	}
	l := params.Parse(send(), additions, split("--endpoint|e|--show-request"))
	if got := l.Additions(); len(got) != 2 || !slices.Contains(got, "e") || !slices.Contains(got, "true") || l.Asks() {
		t.Errorf("%v, asks %t", got, l.Asks())
	}
	if l := params.Parse(send(), additions, split("--url-from|prompt")); !l.Asks() {
		t.Error("a prompt is not seen")
	}
}

func TestAddGivesAValueLater(t *testing.T) {
	l := params.Parse(send(), additions, []string{"-ThingId", "a"})
	if err := l.Add("Url", func() (string, error) { return "u", nil }); err != nil {
		t.Fatal(err)
	}
	if got := show(l.Bind(t.Context(), params.Options{})); got != "Expanded ThingId=a Url=u" {
		t.Error(got)
	}
	for _, words := range []string{"-Url|u", "-Url:u", "-ur:u", "--url=u"} {
		l = params.Parse(send(), additions, split(words))
		if got := show(nil, l.Add("Url", nil)); got != "!MgUploadConflict" {
			t.Errorf("%s: %s", words, got)
		}
	}
	l = params.Parse(send(), additions, []string{"-ThingId", "a"})
	if err := l.Add("Url", func() (string, error) { return "", errors.New("it is gone") }); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Bind(t.Context(), params.Options{}); show(nil, err) != "!MgUploadUnreadableFile" || !strings.Contains(err.Error(), "it is gone") {
		t.Error(err)
	}
}

func TestStandardInputHasOneReader(t *testing.T) {
	stdin := params.Options{ReadStdin: func() ([]byte, error) { return []byte(`{"x":"1"}`), nil }}
	for _, c := range []struct {
		words string
		taken bool
		want  string
	}{
		{"-ThingId|a|-BodyParameter|@-", true, "Whole ThingId=a BodyParameter={x=1}"},
		{"-ThingId|a|-BodyParameter:@-", true, "Whole ThingId=a BodyParameter={x=1}"},
		{"-ThingId|a|-BodyParameter|@-|-Headers|@-", true, "!MgUploadStdinTwice"},
		{"-ThingId|a|-BodyParameter:@-|-Headers:@-", true, "!MgUploadStdinTwice"},
		{"-ThingId|a|--headers=@-|-AdditionalProperties|@-", true, "!MgUploadStdinTwice"},
		{"-ThingId|a|-Headers|@-|--access-token-from|-", true, "!MgUploadStdinTwice"},
		{"-InputObject|@-|-BodyParameter|@-", true, "!MgUploadStdinTwice"},
		{"-ThingId|a|--access-token-from|-", true, "Expanded ThingId=a"},
		{"-ThingId|@-", false, "Expanded ThingId=@-"}, // a text is never read as a file
		{"-InputObject|@-", false, "ViaIdentityExpanded InputObject={x=1}"},
	} {
		l := params.Parse(send(), additions, split(c.words))
		if got := show(l.Bind(t.Context(), stdin)); got != c.want || l.StdinTaken() != c.taken {
			t.Errorf("%s: %s, taken %t", c.words, got, l.StdinTaken())
		}
	}
	read := false
	o := params.Options{ReadStdin: func() ([]byte, error) { read = true; return nil, nil }}
	_, err := params.Parse(send(), additions, split("-Headers|@-|-BodyParameter|@-")).Bind(t.Context(), o)
	if show(nil, err) != "!MgUploadStdinTwice" || read {
		t.Errorf("%v, read %t", err, read)
	}
}
