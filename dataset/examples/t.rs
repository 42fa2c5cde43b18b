
use socio_dataset::store::*;
use std::time::Instant;
fn main(){
 let a:Vec<String>=std::env::args().collect();
 let t=Instant::now();
 let d=Dataset::open(&a[1],&HubOptions::from_env()).unwrap();
 let split=&a[2];
 let ix=d.index(split).unwrap(); println!("index {} {:?}",ix.len(),t.elapsed());
 let t=Instant::now();
 let mut n=0;let mut by=[0usize;3]; let mut fr=0.0;
 for s in d.read(split,None,Fields::ALL).unwrap().take(a[3].parse().unwrap()){
  let s=s.unwrap();
  by[0]+=s.satellite.as_ref().unwrap().bytes.len();by[1]+=s.map.as_ref().unwrap().bytes.len();by[2]+=s.mask.as_ref().unwrap().bytes.len();
  let m=s.decode_mask().unwrap(); fr+=m.area() as f64/(m.width()*m.height()) as f64;
  if n<a[4].parse().unwrap() {
   let id=&s.id; println!("{id} {} {:?} {:?} gsd {:?} area {}",s.text().unwrap(),s.extras.text("region"),s.extras.text("instances"),s.extras.text("gsd_m"),m.area());
   let q=s.decode_query().unwrap(); let mut over=(*q.satellite).clone(); socio_dataset::picture::overlay(&mut over,&m,image::Rgb([255,0,0]),70,2);
   let mut o=image::RgbImage::new(768*2,768);
   image::imageops::replace(&mut o,&over,0,0); image::imageops::replace(&mut o,&*q.map.unwrap(),768,0);
   o.save(format!("/tmp/city_{n}.png")).unwrap();
  }
  n+=1;
 }
 println!("{n} {:?} each; bytes {:?}, fg {}",t.elapsed()/n,by.map(|b|b/n as usize),fr/n as f64);
}
