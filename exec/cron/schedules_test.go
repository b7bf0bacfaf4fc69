package cron

// schedules is what both readers of the grammar, Go's and PL/pgSQL's, must agree about.
var schedules = []struct {
	text string
	ok   bool
}{
	{"* * * * *", true}, {"*/5 * * * *", true}, {"*/59 * * * *", true}, {"*/60 * * * *", false}, {"*/0 * * * *", false},
	{"0 0 * * 0", true}, {"5 4 * * *", true}, {"05 004 * * *", true}, {"60 * * * *", false}, {"59 23 31 12 7", true},
	{"0 24 * * *", false}, {"0 0 0 * *", false}, {"0 0 32 * *", false}, {"0 0 1 0 *", false}, {"0 0 1 13 *", false}, {"0 0 * * 8", false},
	{"1,2,3 * * * *", true}, {"1-5,10-20/3 * * * *", true}, {"0 */23 * * *", true}, {"0 */24 * * *", false},
	{"0 0 */31 * *", true}, {"0 0 */32 * *", false}, {"0 0 1 */12 *", true}, {"0 0 1 */13 *", false}, {"0 0 * * */7", true}, {"0 0 * * */8", false},
	{"0 0 * jan sun", true}, {"0 0 * JAN-Mar Mon-FRI", true}, {"0 0 * dec *", true}, {"0 0 * January *", false}, {"0 0 * * monday", false},
	{"0 0 * sun *", false}, {"0 0 * * jan", false}, {"jan * * * *", false},
	{"0 0 $ * *", true}, {"0 0 $ * 1", true}, {"0 0 $,15 * *", false}, {"0 0 15,$ * *", false}, {"$ * * * *", false}, {"0 0 $/2 * *", false},
	{"5-3 * * * *", true}, {"0 22-2 * * *", true}, {"0 0 * * fri-sun", true}, {"0 0 * * 5-7", true}, {"0 0 * * sat-sun/2", true},
	{"5x * * * *", false}, {"1,,2 * * * *", false}, {"1, * * * *", false}, {",1 * * * *", false}, {"1, 2 * * * *", false},
	{"5/10 * * * *", false}, {"? * * * *", false}, {"0 0 L * *", false}, {"0 0 1W * *", false}, {"- * * * *", false}, {"1- * * * *", false},
	{"-1 * * * *", false}, {"1--2 * * * *", false}, {"*/ * * * *", false}, {"*/-1 * * * *", false}, {"*-5 * * * *", false}, {"1-2-3 * * * *", false},
	{"5;junk * * * *", false}, {"*x * * * *", false}, {"1#2 * * * *", false}, {"4294967297 * * * *", false}, {"00000000000000000000007 * * * *", true},
	{"* * * *", false}, {"* * * * ", false}, {"", false}, {" ", false}, {"\n", false}, {"#", false}, {"# * * * * *", false},
	{"* * * * * x", true}, {"* * * * * *", true}, {"0 0 * * * 2026", true}, {"\t *\t*  * * *\t", true}, {"* * * * *\n", true}, {"* * * * *\r\n", true},
	{"\n\n  # nightly\n \n0 3 * * *", true}, {"* *\n* * *", false}, {"*\u00a0* * * *", false}, {"٣ * * * *", false}, {"* * * * é", false},
	{"@reboot", true}, {"@restart", true}, {"@yearly", true}, {"@annually", true}, {"@monthly", true}, {"@weekly", true}, {"@daily", true},
	{"@midnight", true}, {"@hourly", true}, {" @hourly", true}, {"@hourly # x", true}, {"@Daily", false}, {"@every 5m", false}, {"@", false}, {"@ daily", false}, {"@dailyx", false},
	{"1 second", true}, {"1 seconds", true}, {"59 SECONDS", true}, {"30seconds", true}, {"+5 seconds", true}, {"  5   Second  ", true}, {"\n5\tseconds\n", true},
	{"0 seconds", false}, {"60 seconds", false}, {"-5 seconds", false}, {"5 minutes", false}, {"5 sec", false}, {"seconds", false}, {"5", false},
	{"1.5 seconds", false}, {"5 seconds x", false}, {"5 secondss", false}, {"4294967297 seconds", false}, {"++5 seconds", false}, {"+ 5 seconds", false}, {"007 seconds", true},
	{"5 ſecondſ", false}, {"0 0 * * ﬁ", false},
}
