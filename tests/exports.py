"""Pages as other programs export them, after their documented structure."""

ALTO = "http://www.loc.gov/standards/alto/ns-v4#"
PAGE_2013 = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15"
PAGE_2019 = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"

ESCRIPTORIUM_ALTO = f"""<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="{ALTO}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
      xsi:schemaLocation="{ALTO} http://www.loc.gov/standards/alto/v4/alto-4-2.xsd">
  <Description>
    <MeasurementUnit>pixel</MeasurementUnit>
    <sourceImageInformation><fileName>letter.png</fileName></sourceImageInformation>
  </Description>
  <Tags>
    <OtherTag ID="BT1" LABEL="MainZone" DESCRIPTION="block type"/>
    <OtherTag ID="LT7" LABEL="HeadingLine" DESCRIPTION="line type"/>
  </Tags>
  <Layout>
    <Page WIDTH="400" HEIGHT="300" PHYSICAL_IMG_NR="0" ID="eSc_dummypage_">
      <PrintSpace HPOS="0" VPOS="0" WIDTH="400" HEIGHT="300">
        <TextBlock HPOS="10" VPOS="20" WIDTH="380" HEIGHT="200" ID="block_1" TAGREFS="BT1">
          <Shape><Polygon POINTS="10 20 390 20 390 220 10 220"/></Shape>
          <TextLine ID="line_1" TAGREFS="LT7" BASELINE="20 60 380 64"
                    HPOS="20" VPOS="30" WIDTH="360" HEIGHT="44">
            <Shape><Polygon POINTS="20 30 380 34 380 74 20 70"/></Shape>
            <String CONTENT="Dear Ann," HPOS="20" VPOS="30" WIDTH="360" HEIGHT="44"/>
          </TextLine>
          <TextLine ID="line_2" BASELINE="20 120 380 120"
                    HPOS="20" VPOS="90" WIDTH="360" HEIGHT="40">
            <Shape><Polygon POINTS="20 90 380 90 380 130 20 130"/></Shape>
            <String CONTENT="cafe\u0301 &amp; bread" HPOS="20" VPOS="90" WIDTH="360" HEIGHT="40"/>
          </TextLine>
          <TextLine ID="line_3" BASELINE="20 180 380 180"
                    HPOS="20" VPOS="150" WIDTH="360" HEIGHT="40">
            <String CONTENT="" HPOS="20" VPOS="150" WIDTH="360" HEIGHT="40"/>
          </TextLine>
        </TextBlock>
      </PrintSpace>
    </Page>
  </Layout>
</alto>
"""
"""A String a line, baselines and polygons without commas, types as tags, empty lines."""

KRAKEN_ALTO = f"""<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="{ALTO}">
  <Description>
    <MeasurementUnit>pixel</MeasurementUnit>
    <sourceImageInformation><fileName>scans/letter.png</fileName></sourceImageInformation>
  </Description>
  <ReadingOrder><OrderedGroup ID="ro"><ElementRef ID="o1" REF="l2"/><ElementRef ID="o2" REF="l1"/>
  </OrderedGroup></ReadingOrder>
  <Layout>
    <Page WIDTH="400" HEIGHT="300" PHYSICAL_IMG_NR="1" ID="page_1">
      <PrintSpace HPOS="0" VPOS="0" WIDTH="400" HEIGHT="300">
        <ComposedBlock ID="c1"><TextBlock ID="b1">
          <TextLine ID="l1" HPOS="20" VPOS="30" WIDTH="360" HEIGHT="40" BASELINE="20,60 380,60">
            <Shape><Polygon POINTS="20,30 380,30 380,70 20,70"/></Shape>
            <String ID="s1" CONTENT="it" HPOS="20" VPOS="30" WIDTH="100" HEIGHT="40" WC="0.9"/>
            <SP HPOS="120" VPOS="30" WIDTH="20" HEIGHT="40"/>
            <String ID="s2" CONTENT="rains" HPOS="140" VPOS="30" WIDTH="100" HEIGHT="40" WC="0.7"/>
            <String ID="s3" CONTENT="." HPOS="240" VPOS="30" WIDTH="10" HEIGHT="40" WC="0.8"/>
          </TextLine>
          <TextLine ID="l2" HPOS="20" VPOS="90" WIDTH="360" HEIGHT="40" BASELINE="120" CS="true">
            <String CONTENT="every" HPOS="20" VPOS="90" WIDTH="100" HEIGHT="40"/>
            <String CONTENT="mor" HPOS="140" VPOS="90" WIDTH="80" HEIGHT="40"/>
            <HYP CONTENT="¬"/>
          </TextLine>
        </TextBlock></ComposedBlock>
      </PrintSpace>
    </Page>
  </Layout>
</alto>
"""
"""A String a word with its confidence, SP between them, a reading order, a level baseline, HYP."""

ESCRIPTORIUM_PAGE = f"""<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="{PAGE_2019}">
  <Metadata><Creator>escriptorium</Creator></Metadata>
  <Page imageFilename="letter.png" imageWidth="400" imageHeight="300">
    <TextRegion id="r1" custom="structure {{type:MainZone;}}">
      <Coords points="10,20 390,20 390,220 10,220"/>
      <TextLine id="l1" custom="structure {{type:HeadingLine;}}">
        <Coords points="20,30 380,34 380,74 20,70"/>
        <Baseline points="20,60 380,64"/>
        <TextEquiv><Unicode>Dear Ann,</Unicode></TextEquiv>
      </TextLine>
      <TextLine id="l2">
        <Coords points="20,90 380,90 380,130 20,130"/>
        <Baseline points="20,120 380,120"/>
        <TextEquiv index="1"><Unicode>cofe and bread</Unicode></TextEquiv>
        <TextEquiv index="0" conf="0.8"><Unicode>cafe\u0301 &amp; bread</Unicode></TextEquiv>
      </TextLine>
    </TextRegion>
  </Page>
</PcGts>
"""

TRANSKRIBUS_PAGE = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<PcGts xmlns="{PAGE_2013}">
  <Metadata><Creator>TRP</Creator><TranskribusMetadata docId="1" pageId="2" status="GT"/></Metadata>
  <Page imageFilename="letter.jpg" imageWidth="400" imageHeight="300">
    <ReadingOrder><OrderedGroup id="ro" caption="Regions reading order">
      <RegionRefIndexed index="1" regionRef="r_note"/>
      <OrderedGroupIndexed id="g" index="0"><RegionRefIndexed index="0" regionRef="r_main"/>
      </OrderedGroupIndexed>
    </OrderedGroup></ReadingOrder>
    <TextRegion id="r_note" type="marginalia" custom="readingOrder {{index:1;}}">
      <Coords points="300,10 390,10 390,40 300,40"/>
      <TextLine id="tl_note" custom="readingOrder {{index:0;}}">
        <Coords points="300,-2.5 390,10 390,40 300,40"/>
        <Baseline points="300,35 390.5,35"/>
        <TextEquiv><Unicode>1911</Unicode></TextEquiv>
      </TextLine>
    </TextRegion>
    <TextRegion id="r_main" custom="readingOrder {{index:0;}} structure {{type:paragraph;}}">
      <Coords points="10,50 290,50 290,220 10,220"/>
      <TextLine id="tl_2" custom="readingOrder {{index:1;}}">
        <Coords points="20,90 280,90 280,130 20,130"/>
        <Baseline points="20,120 280,120"/>
        <Word id="w1"><Coords points="20,90 120,90 120,130 20,130"/>
          <TextEquiv><Unicode>it</Unicode></TextEquiv></Word>
        <Word id="w2"><Coords points="140,90 280,90 280,130 140,130"/>
          <TextEquiv><Unicode>rains.</Unicode></TextEquiv></Word>
        <TextEquiv><Unicode></Unicode></TextEquiv>
      </TextLine>
      <TextLine id="tl_1" custom="readingOrder {{index:0;}}">
        <Coords points="20,50 280,50 280,80 20,80"/>
        <Baseline points="20,75 150,76 280,75"/>
        <Word id="w3"><Coords points="20,50 120,50 120,80 20,80"/>
          <TextEquiv><Unicode>Deer</Unicode></TextEquiv></Word>
        <TextEquiv><Unicode>Dear Ann,</Unicode></TextEquiv>
      </TextLine>
    </TextRegion>
    <TableRegion id="t"><Coords points="0,230 400,230 400,300 0,300"/>
      <TableCell id="c1" row="0" col="0"><Coords points="0,230 200,230 200,300 0,300"/>
        <TextLine id="cell"><Coords points="5,240 190,240 190,290 5,290"/>
          <TextEquiv><Unicode>3 francs</Unicode></TextEquiv></TextLine></TableCell>
    </TableRegion>
  </Page>
</PcGts>
"""
"""The reading order is in groups and in `custom`; words against lines; a table; no file of its
name, since Transkribus puts pages into `page/`, the image above it."""
