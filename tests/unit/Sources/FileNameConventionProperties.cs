using EtlTools.Core.Sources;
using FsCheck;
using FsCheck.Fluent;

namespace EtlTools.Tests.Sources;

public sealed class FileNameConventionProperties
{
    private static readonly FileNameConvention Vendor = new(SamplePipelines.Vendor(SamplePipelines.Folder("/data")));
    private static readonly string[] Types = ["Allergies", "Appointments", "AppointmentMedications", "Patient", "PracticeInfo", "Provider"];

    [Fact]
    public void No_name_makes_it_throw() => Check.QuickThrowOnFailure(Prop.ForAll<string>(key =>
    {
        var source = Object(key ?? "");
        var isRead = Vendor.TryRead(source, out var file, out var unrecognised);
        return isRead == file is not null && isRead == unrecognised is null;
    }));

    [Fact]
    public void No_damaged_vendor_name_makes_it_throw() => Check.QuickThrowOnFailure(Prop.ForAll(
        (from name in VendorNames()
         from place in Gen.Choose(0, name.Key.Length - 1)
         from replacement in Gen.Elements('_', '/', '\\', '0', '9', 'x', '\n', '\u0660', '\ud800')
         select name.Key[..place] + replacement + name.Key[(place + 1)..]).ToArbitrary(),
        key => Vendor.TryRead(Object(key), out var file, out var unrecognised) == unrecognised is null && (file is null) != (unrecognised is null)));

    [Fact]
    public void Every_vendor_name_is_read_as_it_was_written() => Check.QuickThrowOnFailure(Prop.ForAll(
        VendorNames().ToArbitrary(),
        name => Vendor.TryRead(Object(name.Key), out var file, out _)
            && file.ExtractType == name.ExtractType
            && file.PerOrgId == name.PerOrgId
            && file.PracticeId == name.PracticeId
            && file.DateFrom == name.From
            && file.DateTo == name.To
            && file.ExtractedAt == name.Extracted
            && file.DateExtracted == name.Extracted.ToString("yyMMddHHmm", System.Globalization.CultureInfo.InvariantCulture)));

    [Fact]
    public void Extract_from_before_its_range_ends_is_refused() => Check.QuickThrowOnFailure(Prop.ForAll(
        VendorNames(gapMinutes: Gen.Choose(-100_000, -1)).ToArbitrary(),
        name => !Vendor.TryRead(Object(name.Key), out _, out var unrecognised) && unrecognised.ErrorId == "FileNameDateInvalid"));

    private static Gen<VendorName> VendorNames(Gen<int>? gapMinutes = null) =>
        from folder in Gen.Elements("", "in/", "C:/Jobs/working/", @"C:\Jobs\working\", @"a\b/c\", "//")
        from perOrg in Gen.Choose(0, 999_999)
        from practice in Gen.Choose(0, 999)
        from type in Gen.Elements(Types)
        from upper in Gen.Elements(true, false)
        from toMinutes in Gen.Choose(600_000, 15_000_000)
        from lengthMinutes in Gen.Choose(0, 500_000)
        from gap in gapMinutes ?? Gen.Choose(0, 100_000)
        from extension in Gen.Elements(".csv", ".CSV", ".cSv", "")
        let to = new DateTime(2020, 1, 1).AddMinutes(toMinutes)
        select new VendorName(
            folder,
            perOrg.ToString("d6"),
            practice.ToString("d3"),
            type,
            upper,
            to.AddMinutes(-lengthMinutes),
            to,
            to.AddMinutes(gap),
            extension);

    private static SourceObject Object(string key) => new("bucket", key, 1, "\"e\"", DateTimeOffset.UnixEpoch);

    private sealed record VendorName(
        string Folder,
        string PerOrgId,
        string PracticeId,
        string ExtractType,
        bool InUpperCase,
        DateTime From,
        DateTime To,
        DateTime Extracted,
        string Extension)
    {
        public string Key => FormattableString.Invariant(
            $"{Folder}{PerOrgId}_{PracticeId}_{(InUpperCase ? ExtractType.ToUpperInvariant() : ExtractType)}_{From:yyyyMMddHHmm}_{To:yyyyMMddHHmm}_{Extracted:yyMMddHHmm}{Extension}");
    }
}
