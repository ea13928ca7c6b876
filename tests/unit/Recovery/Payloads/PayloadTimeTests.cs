using System.Globalization;
using System.Text;
using EtlTools.Core.Recovery.Payloads;
using FsCheck;
using FsCheck.Fluent;

namespace EtlTools.Tests.Recovery.Payloads;

public sealed class PayloadTimeTests
{
    [Theory]
    [InlineData("2025-09-08 00:48:21 -0500", "2025-09-08T05:48:21.0000000")]
    [InlineData("2025-09-08 00:48:21 +05:45", "2025-09-07T19:03:21.0000000")]
    [InlineData("2025-09-08T00:48:21-05", "2025-09-08T05:48:21.0000000")]
    [InlineData("2025-09-08T00:48:21Z", "2025-09-08T00:48:21.0000000")]
    [InlineData("2025-09-08t00:48:21z", "2025-09-08T00:48:21.0000000")]
    [InlineData("2025-09-15T10:58:03.599226543Z", "2025-09-15T10:58:03.5992260")]
    [InlineData("2025-09-15T10:58:03.5+00:00", "2025-09-15T10:58:03.5000000")]
    [InlineData("2025-09-15 10:58:03", "2025-09-15T10:58:03.0000000")]
    [InlineData("2025-09-15 10:58", "2025-09-15T10:58:00.0000000")]
    [InlineData("2025-09-15", "2025-09-15T00:00:00.0000000")]
    [InlineData(" 2025-09-15 ", "2025-09-15T00:00:00.0000000")]
    [InlineData("2024-02-29", "2024-02-29T00:00:00.0000000")]
    [InlineData("2025-09-15 12:05:00 AM +0000", "2025-09-15T00:05:00.0000000")]
    [InlineData("2025-09-15 2:05:00\u202FPM -0100", "2025-09-15T15:05:00.0000000")]
    public void A_date_is_read(string text, string expected)
    {
        Assert.True(PayloadTime.TryRead(Encoding.UTF8.GetBytes(text), out var ticks));
        Assert.Equal(expected, new DateTime(ticks).ToString("yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("")]
    [InlineData("now")]
    [InlineData("1757292501")]
    [InlineData("2025-02-29")]
    [InlineData("2025-13-01")]
    [InlineData("2025-00-10")]
    [InlineData("0000-01-01")]
    [InlineData("2025-9-8")]
    [InlineData("08/09/2025")]
    [InlineData("2025-09-08 24:00:00")]
    [InlineData("2025-09-08 10:60:00")]
    [InlineData("2025-09-08 10:00:60")]
    [InlineData("2025-09-08 10:00:00.")]
    [InlineData("2025-09-08 10")]
    [InlineData("2025-09-08 1:00:00")]
    [InlineData("2025-09-08 13:00:00 PM")]
    [InlineData("2025-09-08 10:00:00 PST")]
    [InlineData("2025-09-08 10:00:00 +1600")]
    [InlineData("2025-09-08 10:00:00 +05:4")]
    [InlineData("2025-09-08 10:00:00 +0560")]
    [InlineData("2025-09-08 10:00:00 -0500 x")]
    [InlineData("0001-01-01 00:00:00 +0100")]
    [InlineData("9999-12-31 23:59:59 -0100")]
    [InlineData("2025-09-08\u202F10:00:00")]
    public void What_is_no_date_is_not_read(string text) => Assert.False(PayloadTime.TryRead(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Any_moment_is_read_as_it_was_written()
    {
        var moments =
            from seconds in Gen.Choose(0, int.MaxValue)
            from microseconds in Gen.Choose(0, 999_999)
            from minutes in Gen.Choose(-14 * 60, 14 * 60)
            from form in Gen.Elements("yyyy-MM-dd HH:mm:ss.ffffff zzz", "yyyy-MM-ddTHH:mm:ss.ffffffzzz", "yyyy-MM-dd HH:mm:ss.FFFFFF zzz", "yyyy-MM-dd h:mm:ss.ffffff tt zzz")
            from colon in Gen.Elements(":", "")
            select (Moment: DateTimeOffset.FromUnixTimeSeconds(seconds).AddMicroseconds(microseconds).ToOffset(TimeSpan.FromMinutes(minutes)), Form: form, Colon: colon);
        Prop.ForAll(moments.ToArbitrary(), sample =>
        {
            var text = sample.Moment.ToString(sample.Form, CultureInfo.InvariantCulture);
            text = text[..^3] + sample.Colon + text[^2..];
            Assert.True(PayloadTime.TryRead(Encoding.UTF8.GetBytes(text), out var ticks));
            Assert.Equal(sample.Moment.UtcTicks, ticks);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Fact]
    public void Any_bytes_are_a_date_or_none()
    {
        var texts =
            from pieces in Gen.Elements("2025", "-", "09", "08", "T", " ", ":", "12", "+", "Z", ".", "5", "AM", "\u202F", "é", "0").ArrayOf()
            select "2025-09-08" + string.Concat(pieces);
        Prop.ForAll(texts.ToArbitrary(), text => PayloadTime.TryRead(Encoding.UTF8.GetBytes(text), out _)
            || !DateTimeOffset.TryParseExact(text, ["yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ssZ"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }
}
