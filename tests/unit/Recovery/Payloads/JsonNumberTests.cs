using System.Globalization;
using System.Text;
using EtlTools.Core.Recovery.Payloads;
using FsCheck;
using FsCheck.Fluent;

namespace EtlTools.Tests.Recovery.Payloads;

public sealed class JsonNumberTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-7", -7)]
    [InlineData("42.50", 42.5)]
    [InlineData("29.937902450561523", 29.937902450561523)]
    [InlineData("1e3", 1000)]
    [InlineData("-2.5E-1", -0.25)]
    [InlineData("0.1", 0.1)]
    [InlineData("123456789012345678901234567890", 1.2345678901234568e29)]
    [InlineData("1e999", double.PositiveInfinity)]
    public void A_number_is_read(string text, double expected)
    {
        Assert.True(JsonNumber.TryRead(Encoding.UTF8.GetBytes(text), out _, out var number, out _));
        Assert.Equal(expected, number);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".5")]
    [InlineData("+5")]
    [InlineData("5 mg")]
    [InlineData("1,5")]
    [InlineData("1.2.3")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData(" 5")]
    public void What_is_no_number_is_not_read(string text) => Assert.False(JsonNumber.TryRead(Encoding.UTF8.GetBytes(text), out _, out _, out _));

    [Fact]
    public void Any_number_is_the_one_that_was_written()
    {
        var texts = Gen.OneOf(
            ArbMap.Default.GeneratorFor<long>().Select(whole => whole.ToString(CultureInfo.InvariantCulture)),
            ArbMap.Default.GeneratorFor<NormalFloat>().Select(number => number.Get.ToString("R", CultureInfo.InvariantCulture)),
            ArbMap.Default.GeneratorFor<decimal>().Select(number => number.ToString(CultureInfo.InvariantCulture)));
        Prop.ForAll(texts.ToArbitrary(), text =>
        {
            Assert.True(JsonNumber.TryRead(Encoding.UTF8.GetBytes(text), out var whole, out var number, out var isWhole));
            Assert.Equal(double.Parse(text, CultureInfo.InvariantCulture), number);
            Assert.True(!isWhole || whole == long.Parse(text, CultureInfo.InvariantCulture));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }
}
