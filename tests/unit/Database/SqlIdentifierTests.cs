using EtlTools.Core;
using EtlTools.Core.Database;

namespace EtlTools.Tests.Database;

public sealed class SqlIdentifierTests
{
    [Theory]
    [InlineData("patients", "\"patients\"")]
    [InlineData("Mixed Case", "\"Mixed Case\"")]
    [InlineData("a\"; DROP TABLE x; --", "\"a\"\"; DROP TABLE x; --\"")]
    public void A_name_is_quoted_whole(string name, string expected) => Assert.Equal(expected, SqlIdentifier.Quote(name));

    [Fact]
    public void Schema_and_table_are_quoted_apart() =>
        Assert.Equal("\"raw\".\"a.b\"", SqlIdentifier.Qualify("raw", "a.b"));

    [Fact]
    public void A_list_keeps_its_order() => Assert.Equal("\"b\", \"a\"", SqlIdentifier.List(["b", "a"]));

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("āāāāāāāāāāāāāāāāāāāāāāāāāāāāāāāā")] // 32 letters of two bytes: one more than fits
    public void A_name_that_the_server_would_refuse_or_cut_is_refused(string name)
    {
        var error = Assert.Throws<EtlException>(() => SqlIdentifier.Quote(name));
        Assert.Equal("IdentifierInvalid", error.ErrorId);
    }

    [Fact]
    public void A_name_of_63_bytes_is_taken() => Assert.Equal(65, SqlIdentifier.Quote(new string('a', 63)).Length);
}
