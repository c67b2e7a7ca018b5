import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placesBeside } from '../../lib/raster/places-beside.js';
import { temporaryFolder } from '../data/pictures.js';

test('world files by all their names, and .aux.xml that holds more than statistics', async () => {
  const folder = await temporaryFolder();
  const names = [
    'a.tfw',
    'B.TFW',
    'c.jgw',
    'd.pgw',
    'e.wld',
    'f.tifw',
    'g.tfw',
    'h.aux.xml',
    'i.png.aux.xml',
    'j.tif.aux.xml',
  ];
  for (const name of names) await writeFile(join(folder, name), '10\n0\n0\n-10\n500000\n5000000\n');
  await writeFile(join(folder, 'h.aux.xml'), '<PAMDataset><SRS>EPSG:4326</SRS></PAMDataset>');
  await writeFile(
    join(folder, 'i.png.aux.xml'),
    '<PAMDataset><Metadata><MDI key="STATISTICS_MEAN">1</MDI></Metadata></PAMDataset>',
  );
  await writeFile(join(folder, 'j.tif.aux.xml'), '<PAMDataset><GCPList/></PAMDataset>');
  const pictures = [
    'a.tif',
    'b.tiff',
    'c.jpeg',
    'd.png',
    'e.webp',
    'f.tif',
    'g.tif',
    'h.jpg',
    'i.png',
    'j.tif',
    'k.tif',
  ];
  const found = await placesBeside(
    pictures.map((name) => ({ path: join(folder, name), lies: ['g.tif', 'j.tif'].includes(name) })),
  );
  const said = ['a.tfw', 'B.TFW', 'c.jgw', 'd.pgw', 'e.wld', 'f.tifw', 'h.aux.xml', 'j.tif.aux.xml'];
  expect(found).toEqual(said.map((name) => join(folder, name)));
});

test('a picture without an extension, and a folder of such a name', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'a.aux.xml'));
  expect(await placesBeside([{ path: join(folder, 'a'), lies: false }])).toEqual([]);
  expect(await placesBeside([{ path: '/nonexistent/a.tif', lies: false }])).toEqual([]);
});
