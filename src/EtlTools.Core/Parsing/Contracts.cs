namespace EtlTools.Core.Parsing;

/// <summary>Why a row cannot go into raw. Stable codes, kept in the quarantine.</summary>
public static class RowFault
{
    public const string FieldCount = "field_count";
    public const string NulCharacter = "nul_character";
    public const string UndecodableBytes = "undecodable_bytes";
    public const string FieldTooLong = "field_too_long";
    public const string UnterminatedQuote = "unterminated_quote";
    public const string StrayQuote = "stray_quote";
}
